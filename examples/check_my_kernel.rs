//! Have a kernel of your own judged: run it, write what went in and what came out, let `bellwether check` look.
//!
//! `cargo run --release -p bellwether-examples --example check_my_kernel [-- --bug] [FILE]`
//!
//! The kernel below is plain Rust and knows nothing of bellwether. With `--bug` its gradient forgets `beta`, a mistake
//! that no loss curve shows. Any language that writes safetensors will do; from torch:
//!
//! ```python
//! import json, torch
//! from safetensors.torch import save_file
//! names = ["chosen_logps", "rejected_logps", "ref_chosen_logps", "ref_rejected_logps"]
//! x = {n: torch.randn(64).mul(5).sub(40).requires_grad_(not n.startswith("ref")) for n in names}
//! loss = my_dpo(*x.values(), beta=0.1)          # [64], not reduced
//! loss.sum().backward()                         # so that gradients are those of the sum
//! dump = {f"in.{n}": t for n, t in x.items()} | {"out.loss": loss}
//! dump |= {f"grad.{n}": x[n].grad for n in names[:2]}
//! save_file({k: t.detach().cpu().contiguous() for k, t in dump.items()}, "dump.safetensors",
//!           metadata={"op": "pair/dpo", "params": json.dumps({"beta": 0.1})})
//! ```
//!
//! From numpy, write `np.ascontiguousarray(a, np.float32)` for *every* array: safetensors 0.8.0 for numpy silently
//! writes wrong numbers for transposed, reversed, sliced or broadcast ones (safetensors#825).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bellwether_examples::noise;
use safetensors::tensor::{Dtype, TensorView, serialize_to_file};

const PAIRS: usize = 64;
const BETA: f32 = 0.1;

/// Somebody's DPO: loss per pair, and the gradient of their sum by the two log-probabilities of the policy.
struct MyKernel {
    bug: bool,
}

impl MyKernel {
    fn run(&self, [chosen, rejected, ref_chosen, ref_rejected]: &[Vec<f32>; 4]) -> [Vec<f32>; 3] {
        let (mut loss, mut d_chosen, mut d_rejected) = (Vec::new(), Vec::new(), Vec::new());
        for i in 0..chosen.len() {
            let z = BETA * ((chosen[i] - ref_chosen[i]) - (rejected[i] - ref_rejected[i]));
            // −log σ(z) = log(1 + e^{−z}), without overflow.
            loss.push((-z).max(0.0) + (-z.abs()).exp().ln_1p());
            let slope = -1.0 / (1.0 + z.exp());
            let slope = if self.bug { slope } else { BETA * slope };
            d_chosen.push(slope);
            d_rejected.push(-slope);
        }
        [loss, d_chosen, d_rejected]
    }
}

/// Writes arrays of `PAIRS` numbers with the names that `bellwether check` knows.
fn dump(path: &Path, arrays: &[(&str, &Vec<f32>)]) -> Result<(), safetensors::SafeTensorError> {
    let views: Result<Vec<_>, _> = arrays
        .iter()
        .map(|(name, data)| {
            TensorView::new(Dtype::F32, vec![PAIRS], bytemuck::cast_slice(data)).map(|view| (*name, view))
        })
        .collect();
    let metadata: HashMap<String, String> = [
        ("op", "pair/dpo"),
        ("params", r#"{"beta": 0.1}"#),
        ("note", "losses per pair, gradients of their sum"),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect();
    serialize_to_file(views?, Some(metadata), path)
}

fn main() -> ExitCode {
    let (mut bug, mut path) = (false, std::env::temp_dir().join("dump.safetensors"));
    for arg in std::env::args().skip(1) {
        match arg.as_str() {
            "--bug" => bug = true,
            other => path = PathBuf::from(other),
        }
    }
    let logps = |seed| noise(PAIRS, seed).into_iter().map(|x| 5.0 * x - 40.0).collect::<Vec<f32>>();
    let inputs = [logps(1), logps(2), logps(3), logps(4)];
    let [loss, d_chosen, d_rejected] = MyKernel { bug }.run(&inputs);
    let [chosen, rejected, ref_chosen, ref_rejected] = &inputs;
    let arrays = [
        ("in.chosen_logps", chosen),
        ("in.rejected_logps", rejected),
        ("in.ref_chosen_logps", ref_chosen),
        ("in.ref_rejected_logps", ref_rejected),
        ("out.loss", &loss),
        ("grad.chosen_logps", &d_chosen),
        ("grad.rejected_logps", &d_rejected),
    ];
    if let Err(error) = dump(&path, &arrays) {
        eprintln!("{}: {error}", path.display());
        return ExitCode::FAILURE;
    }
    let kind = if bug { "with its bug" } else { "without a bug" };
    println!("Ran a DPO kernel {kind} on {PAIRS} pairs and wrote {}", path.display());
    println!("Is it right? Ask (exit status 0: agrees, 1: disagrees):\n");
    println!("    cargo run --release -- check {}", path.display());
    if !bug {
        println!("\nThen run this example again with `-- --bug`, and ask again.");
    }
    ExitCode::SUCCESS
}
