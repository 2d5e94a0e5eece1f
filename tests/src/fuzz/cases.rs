//! Files of cases, cases that no file holds, and the elements of tensors.

use bellwether_core::registry::SPECS;

use super::draw::Draw;
use crate::check::{check, evaluate};
use crate::file::{self, Case};
use crate::problem::Backend;
use crate::report::Verdict;
use crate::tensor::{Dtype, Named, Tensor, elements};

/// The bytes as a file, of either format.
pub(super) fn files(data: &[u8]) -> bool {
    let Ok(cases) = file::parse("file", data) else { return false };
    cases.iter().filter(|case| judged(case)).count() > 0
}

/// Whether the case can be judged. Where the file claims nothing, our own numbers must agree.
fn judged(case: &Case) -> bool {
    let Ok(reports) = check(case, &[Backend::CpuF32]) else { return false };
    let claims = [&case.outputs, &case.grads, &case.exact_outputs, &case.exact_grads];
    if let (true, Ok(filled)) = (claims.iter().all(|named| named.is_empty()), evaluate(case)) {
        let again = check(&filled, &[]).unwrap_or_else(|error| panic!("{error}"));
        // Its logits need not be those of its hidden states.
        let outputs = again.iter().flat_map(|report| &report.outputs).filter(|o| !o.name.starts_with("in."));
        outputs.for_each(|o| assert!(o.holds(), "{case:?}: {o:?}"));
    }
    reports.iter().any(|report| report.verdict != Verdict::Unjudged)
}

/// Operators as peers call them, and a name that nobody knows.
const PEERS: [&str; 10] = [
    "logps.selective",
    "logps.selective_and_entropy",
    "entropy.from_logits",
    "logps.sequence",
    "dpo.from_logits",
    "dpo.sigmoid",
    "dpo.ipo",
    "dpo_legacy.hinge",
    "dpo_unnormalized.ipo",
    "unknown",
];

/// Inputs, and the extents of each: pairs, responses, tokens, logits, width.
const INPUTS: [(&str, &str, bool); 16] = [
    ("logits", "rtv", false),
    ("ref_logits", "rtv", false),
    ("labels", "rt", true),
    ("index", "rt", true),
    ("row_mask", "rt", true),
    ("input_ids", "rt", true),
    ("completion_mask", "rt", true),
    ("hidden", "rth", false),
    ("weight", "vh", false),
    ("ref_logps", "rt", false),
    ("chosen_logps", "p", false),
    ("rejected_logps", "p", false),
    ("ref_chosen_logps", "p", false),
    ("ref_rejected_logps", "p", false),
    ("chosen_len", "p", true),
    ("rejected_len", "p", true),
];

/// Parameters of any operator.
const NUMBERS: [&str; 6] =
    ["temperature", "ignore_index", "beta", "label_smoothing", "f_alpha_divergence_coef", "alpha"];
const FLAGS: [&str; 3] = ["shift", "average", "reference_free"];
const WORDS: [(&str, &str); 7] = [
    ("f_divergence_type", "alpha_divergence"),
    ("f_divergence_type", "js_divergence"),
    ("f_divergence_type", "forward_kl"),
    ("length", "token_mean"),
    ("reduction", "mean"),
    ("loss_type", "sigmoid"),
    ("accumulate", "f32"),
];

/// A case with inputs of any shape and type, of any operator.
pub(super) fn cases(data: &[u8]) -> bool {
    let mut d = Draw::new(data);
    let op = d.upto(PEERS.len() + SPECS.len() - 1);
    let op = PEERS.get(op).copied().unwrap_or_else(|| SPECS[op - PEERS.len()].slug);
    let mut case = Case { file: "case".into(), op: op.into(), ..Case::default() };
    let pairs = d.size(2);
    let extents = [pairs, pairs.saturating_mul(2), d.size(3), d.size(4), d.size(2)];
    for (name, shape, whole) in INPUTS {
        // From logits or from hidden states, mostly one of both; a mask or labels of one kind.
        if d.upto(9) > 0 {
            let shape = shape.chars().map(|axis| extents["prtvh".find(axis).unwrap_or(0)]).collect();
            case.inputs.extend_with(&mut d, name, shape, whole);
        }
    }
    if d.any() {
        parameters(&mut d, &mut case);
    }
    if d.upto(3) == 3 {
        let claim = d.pick(&["loss", "logps", "logits", "per_pair", "entropy", "losses"]);
        let shape = vec![d.upto(3)];
        let named = if d.any() { &mut case.outputs } else { &mut case.cotangents };
        named.extend_with(&mut d, claim, shape, false);
    }
    judged(&case)
}

fn parameters(d: &mut Draw<'_>, case: &mut Case) {
    for _ in 0..d.upto(3) {
        let number = if d.rarely() { d.wild() } else { d.tame() };
        match d.upto(2) {
            0 => drop(case.params.insert(d.pick(&NUMBERS).into(), number.into())),
            1 => drop(case.params.insert(d.pick(&FLAGS).into(), d.any::<bool>().into())),
            _ => {
                let (name, word) = d.pick(&WORDS);
                case.params.insert(name.into(), word.into());
            }
        }
    }
    if d.rarely() {
        case.meta.insert("peer_deviation".into(), d.wild().to_string());
    }
}

impl Named {
    /// Adds a tensor with such elements, where one of that shape can be made.
    fn extend_with(&mut self, d: &mut Draw<'_>, name: &str, mut shape: Vec<usize>, whole: bool) {
        if d.rarely() {
            shape = (0..d.upto(3)).map(|_| d.size(3)).collect();
        }
        let Some(n) = elements(&shape).filter(|&n| n <= 256) else { return };
        let dtype = match (d.rarely(), whole) {
            (true, _) => d.pick(&Dtype::ALL),
            (false, true) => Dtype::I64,
            (false, false) => Dtype::F64,
        };
        let data = if whole { d.labels(n, 4).into_iter().map(f64::from).collect() } else { d.numbers(n) };
        let data = data.into_iter().map(|x| dtype.fit(x).unwrap_or(1.0)).collect();
        let tensor = Tensor::new(dtype, shape, data);
        tensor.into_iter().for_each(|tensor| self.insert(name, tensor));
    }
}

/// Bytes as elements of every type, and back: what fits is kept in bits.
pub(super) fn dtypes(data: &[u8]) -> bool {
    let mut d = Draw::new(data);
    let (dtype, name) = (d.pick(&Dtype::ALL), d.any::<[u8; 8]>());
    assert!(Dtype::parse(&String::from_utf8_lossy(&name)).is_none_or(|found| Dtype::ALL.contains(&found)));
    let bytes = d.rest();
    let mut values = Vec::new();
    if dtype.decode(bytes, &mut values).is_err() {
        return false;
    }
    let whole = bytes.len() - bytes.len() % dtype.size();
    let back = dtype.encode(&values);
    assert_eq!(back.len(), whole, "{dtype}");
    let same = |(i, value): (usize, &f64)| {
        let at = i * dtype.size()..(i + 1) * dtype.size();
        value.is_nan() || back[at.clone()] == bytes[at]
    };
    assert!(values.iter().enumerate().all(same), "{dtype}: {values:?}");
    let held = |&value: &f64| Dtype::ALL.iter().all(|other| other.fit(value).is_ok_and(f64::is_finite));
    let _ = values.iter().all(held);
    true
}
