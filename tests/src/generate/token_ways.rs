//! Cases of TokenRows that differ in how logits are stored, laid out and gone through.

use bellwether_core::Storage;
use bellwether_core::logprob::Token;
use bellwether_core::sig::token_rows::Labels;

use super::token_rows::normal;
use super::{Case, Draw};
use crate::problem::{Pinned, TokenProblem, Way};
use crate::storage::round;

const NEG_INF: f64 = f64::NEG_INFINITY;
const HALVES: [Storage; 2] = [Storage::F16, Storage::Bf16];

/// Rows of every kind: ignored and full of NaN, banned tokens, a tie, a confident label.
fn mixed(name: &str, n: usize, v: usize) -> TokenProblem {
    let mut problem = normal(name, n, v, 3.0);
    for (i, row) in problem.logits.chunks_exact_mut(v).enumerate() {
        match i % 5 {
            1 => row.fill(f64::NAN),
            2 => row.iter_mut().step_by(3).for_each(|x| *x = NEG_INF),
            3 => row[v / 2..].fill(1.5),
            4 => row[problem.labels[i] as usize] = 30.0,
            _ => {}
        }
    }
    for i in (0..n).filter(|i| i % 5 == 1) {
        problem.labels[i] = -100;
    }
    for i in (0..n).filter(|i| i % 5 == 2) {
        // At least one token of the row is allowed: the label.
        problem.logits[i * v + problem.labels[i] as usize] = 0.25;
    }
    problem
}

/// Rows that share words, in 16 bits: odd widths, gaps of every parity.
fn stored() -> Vec<Case> {
    let mut cases = Vec::new();
    for storage in HALVES {
        for (v, gap) in [(1, 0), (2, 0), (7, 0), (64, 0), (65, 1), (65, 2), (1021, 0), (4099, 3)] {
            let name = format!("{}, v = {v}, gap {gap}", storage.name());
            let problem = TokenProblem { storage, gap, ..mixed(&name, 7, v) };
            cases.push(Case::new(name, problem));
        }
        let name = format!("{}, extremes", storage.name());
        let mut problem = TokenProblem { storage, ..normal(&name, 4, 33, 1.0) };
        let large = if storage == Storage::F16 { 65504.0 } else { 3e38 };
        for (j, x) in problem.logits.iter_mut().enumerate() {
            *x = [large, -large, 6e-8, 0.0, -1e-6, 1.0][j % 6];
        }
        cases.push(Case::new(name, problem));
        // Gradients that are subnormal, that vanish, and that overflow half precision.
        let name = format!("{}, gradients of every size", storage.name());
        let mut problem = TokenProblem { storage, ..normal(&name, 9, 40, 4.0) };
        let sizes = [1e-8, 1e-6, 1e-4, 3e-5, 1.0, 1e3, 6e4, 7e4, 1e9];
        for plane in problem.upstream.iter_mut().flatten() {
            plane.iter_mut().zip(sizes).for_each(|(x, size)| *x *= size);
        }
        cases.push(Case::new(name, problem));
    }
    cases
}

/// Every other way to the same results.
fn ways() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: &str, n: usize, v: usize, storage, gap, way| {
        cases.push(Case::new(name, TokenProblem { storage, gap, way, ..mixed(name, n, v) }));
    };
    add("in place", 11, 130, Storage::F32, 0, Way::InPlace);
    add("in place, gaps", 11, 257, Storage::F32, 5, Way::InPlace);
    add("in place, f16, odd rows", 11, 67, Storage::F16, 0, Way::InPlace);
    add("in place, bf16, gaps", 11, 67, Storage::Bf16, 2, Way::InPlace);
    add("in place, three parts", 6, 40_001, Storage::F32, 0, Way::InPlace);
    add("one kernel", 11, 130, Storage::F32, 0, Way::Step);
    add("one kernel, f16", 11, 130, Storage::F16, 0, Way::Step);
    add("one kernel, bf16, gap", 11, 67, Storage::Bf16, 3, Way::Step);
    add("one kernel, three parts", 6, 40_001, Storage::F32, 0, Way::Step);
    for (shards, v) in [(1, 70), (2, 131), (3, 1000), (7, 200), (7, 5), (2, 40_000)] {
        add(&format!("{shards} shards of {v}"), 6, v, Storage::F32, 0, Way::Shards(shards));
    }
    add("3 shards, bf16", 6, 200, Storage::Bf16, 1, Way::Shards(3));
    cases
}

/// The label and the maximum in each of seven shards, a whole shard banned, maxima that tie across shards.
fn shards() -> Case {
    let (name, v) = ("shards with ties and a banned shard", 70);
    let mut problem = TokenProblem { way: Way::Shards(7), ..normal(name, 14, v, 1.0) };
    for (i, row) in problem.logits.chunks_exact_mut(v).enumerate() {
        let (label, top) = (10 * (i % 7) + 3, 10 * ((i + 2) % 7) + 9);
        problem.labels[i] = label as i32;
        row[10 * ((i + 4) % 7)..][..10].fill(NEG_INF);
        row[top] = 8.0;
        if i >= 7 {
            row[label] = 8.0;
        }
    }
    Case::new(name, problem)
}

/// Where rows are cut, and where a workgroup takes several.
fn shapes() -> Vec<Case> {
    let mut cases = Vec::new();
    for v in [255, 256, 257, 16_383, 16_384, 16_385, 32_769] {
        let name = format!("few rows, v = {v}");
        let mut problem = mixed(&name, 5, v);
        // The maximum is the label's, in the last part.
        (problem.labels[4], problem.logits[5 * v - 1]) = (v as i32 - 1, 40.0);
        cases.push(Case::new(&*name, problem));
    }
    cases.push(Case::heavy("many rows of several parts", |name| mixed(name, 300, 17_000)));
    for (name, v) in [("a mask", 90), ("a mask, long rows", 290)] {
        let mut masked = TokenProblem { gap: 2, ..normal(name, 12, v, 2.0) };
        masked.mask = Some((0..12).map(|i| i % 3).collect());
        for row in (0..12).filter(|i| i % 3 == 0) {
            masked.logits[row * v..][..v].fill(f64::NAN);
            masked.labels[row] = 1 << 20;
        }
        cases.push(Case::new(name, masked));
    }
    let rules = Labels::next(4);
    let mut shifted = TokenProblem { rules, ..normal("a mask and labels of the next token", 12, 30, 2.0) };
    shifted.mask = Some((0..12).map(|i| i32::from(i != 5)).collect());
    cases.push(Case::new("a mask and labels of the next token", shifted));
    cases
}

/// Scaled and capped logits.
fn capped() -> Vec<Case> {
    let tries = [
        ("logit_scale 0.5", Token { logit_scale: 0.5, ..Token::at(0.7) }, 3.0),
        ("softcap 30", Token { softcap: 30.0, ..Token::default() }, 20.0),
        ("softcap 1, everything capped", Token { softcap: 1.0, ..Token::default() }, 40.0),
        (
            "softcap 50, scale 2, temperature 1.3",
            Token { softcap: 50.0, logit_scale: 2.0, temperature: 1.3 },
            30.0,
        ),
    ];
    let made = |(name, op, deviation): (&str, Token, f64)| {
        let mut problem = TokenProblem { op, ..normal(name, 6, 140, deviation) };
        problem.logits[3] = NEG_INF;
        (problem.logits[140], problem.logits[141]) = (1e-30, 1e30);
        problem.labels[5] = 139;
        problem.logits[5 * 140 + 139] = NEG_INF;
        Case::new(name, problem)
    };
    tries.into_iter().map(made).collect()
}

/// The label ties with the maximum, before it, behind it, and in every lane.
fn ties() -> Case {
    let (name, v) = ("labels that tie with the maximum", 300);
    let mut draw = Draw::of("places that tie");
    let mut problem = normal(name, 24, v, 1.0);
    for (i, row) in problem.logits.chunks_exact_mut(v).enumerate() {
        let places = [draw.below(v), draw.below(v), draw.below(v)];
        places.into_iter().for_each(|j| row[j] = 9.0);
        problem.labels[i] = if i % 4 == 3 { 0 } else { places[i % 3] as i32 };
    }
    Case::new(name, problem)
}

/// Gradients half-way between two numbers of 16 bits: the even one is right, and the bound would allow either.
fn halves() -> Vec<Case> {
    let case = |storage: Storage| {
        let (name, digits) =
            (format!("{}, ties", storage.name()), if storage == Storage::F16 { 11 } else { 8 });
        let half = f64::exp2(f64::from(-digits));
        // Of a row with one column the mean is the logit: the gradient is the upstream gradient.
        let ties = [
            1.0 + half,
            1.0 + 3.0 * half,
            -1.0 - half,
            2.0 + 2.0 * half,
            2f64.powi(-25),
            3.0 * 2f64.powi(-25),
        ];
        let mut problem = TokenProblem { storage, ..normal(&name, ties.len(), 1, 1.0) };
        problem.upstream = [None, None, None, None, Some(ties.to_vec())];
        let exact = ties.iter().map(|&x| round(x as f32, storage).into()).collect();
        Case::new(name, Pinned { problem, exact: vec![("d_logits", exact)] })
    };
    HALVES.map(case).into()
}

/// Rows in several windows, none of which begins where the device would like it to, nor fills its last workgroups.
fn windows() -> Vec<Case> {
    let tries = [
        ("windows of short rows", (203, 7), 181, Storage::F32, 0, Way::Rows),
        ("windows of long rows", (130, 10), 301, Storage::F32, 1, Way::Rows),
        ("windows of rows in place", (130, 10), 301, Storage::F32, 0, Way::InPlace),
        ("windows of rows in one kernel", (130, 10), 301, Storage::F32, 0, Way::Step),
        ("windows of rows that share words", (175, 7), 401, Storage::Bf16, 0, Way::Rows),
        ("windows of two shards", (652, 4), 362, Storage::F32, 0, Way::Shards(2)),
    ];
    let made = |(name, (n, seq), v, storage, gap, way)| {
        // What merges states on the CPU knows labels and no mask.
        let mask = (!matches!(way, Way::Shards(_))).then(|| (0..n as i32).map(|i| i % 7).collect());
        let rules = Labels::next(seq);
        Case::tight(name, TokenProblem { storage, gap, way, rules, mask, ..normal(name, n, v, 3.0) })
    };
    tries.into_iter().map(made).collect()
}

/// The cases.
pub(super) fn cases() -> Vec<Case> {
    [stored(), halves(), ways(), vec![shards(), ties()], windows(), shapes(), capped()]
        .into_iter()
        .flatten()
        .collect()
}
