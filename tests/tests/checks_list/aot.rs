//! Optimal transport against TRL's numbers.

use std::path::Path;

use bellwether_check::file::{self, Case};
use bellwether_core::list::Aot;

use super::{close, common, of};

/// One input's elements.
fn input<'c>(case: &'c Case, name: &str) -> &'c [f64] {
    &case.inputs.get(name).unwrap_or_else(|| panic!("{}: no {name}", case.id)).data
}

fn differences(case: &Case, [a, b]: [&str; 2]) -> Vec<f64> {
    input(case, a).iter().zip(input(case, b)).map(|(a, b)| a - b).collect()
}

fn judge(case: &Case) {
    let number = |name| case.params[name].as_f64().expect("a number");
    let op = Aot { beta: number("beta"), label_smoothing: number("label_smoothing") };
    let paired = case.op == "dpo.aot";
    let names = match paired {
        true => [["chosen_logps", "rejected_logps"], ["ref_chosen_logps", "ref_rejected_logps"]],
        false => [["chosen_logps", "ref_chosen_logps"], ["rejected_logps", "ref_rejected_logps"]],
    };
    let [above, below] = names.map(|pair| differences(case, pair));
    let (planes, gradient) = of(op, &[&above, &below], &[], &[]);
    let loss = case.outputs.get("loss").expect("a loss").data[0];
    close(planes[0], loss, 1e-13 * (1.0 + loss.abs()));
    let (d_above, d_below) = gradient.split_at(above.len());
    let d_rejected: Vec<f64> = if paired { d_above.iter().map(|x| -x).collect() } else { d_below.to_vec() };
    for (name, got) in [("chosen_logps", d_above), ("rejected_logps", &d_rejected)] {
        let want = &case.grads.get(name).expect("a gradient").data;
        assert_eq!(want.len(), got.len());
        got.iter().zip(want).for_each(|(got, want)| close(*got, *want, 1e-14));
    }
}

#[test]
fn optimal_transport_is_trls() {
    let bundled = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/checks_list/aot.json");
    let more = common::oracle().map(|folder| folder.join("cases"));
    let cases: Vec<Case> = std::iter::once(bundled)
        .chain(more)
        .flat_map(|path| file::load(&path).unwrap_or_else(|error| panic!("{error}")))
        .filter(|case| case.op.starts_with("dpo.aot"))
        .collect();
    assert!(cases.len() >= 4, "{} cases", cases.len());
    cases.iter().for_each(judge);
    println!("{} cases", cases.len());
}
