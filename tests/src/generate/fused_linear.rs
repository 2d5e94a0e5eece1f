//! Cases of FusedLinear.

use bellwether_core::Storage;
use bellwether_core::logprob::{Linear, Token};
use bellwether_core::sig::token_rows::Labels;

use super::{Case, Draw};
use crate::problem::LinearProblem;

/// Normal hidden states and weight, logits of deviation 2, some rows ignored and filled with NaN.
fn normal(name: &str, n: usize, h: usize, v: usize) -> LinearProblem {
    let mut draw = Draw::of(name);
    let mut problem = LinearProblem {
        h,
        v,
        hidden: draw.normals(n * h, 1.0),
        weight: draw.normals(v * h, 2.0 / (h as f64).sqrt()),
        labels: draw.labels(n, v, 0.2),
        upstream: [1.0, 0.5, 0.25, 0.7, 0.3].map(|scale| Some(draw.normals(n, scale))),
        ..LinearProblem::default()
    };
    for (i, _) in problem.labels.iter().enumerate().filter(|(_, label)| **label < 0) {
        problem.hidden[i * h..][..h].fill(if i % 2 == 0 { f64::NAN } else { f64::INFINITY });
    }
    problem
}

/// The cases.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (n, h, v) in [
        (0, 4, 5),
        (1, 1, 1),
        (1, 64, 100),
        (7, 3, 2),
        (15, 16, 17),
        (16, 16, 16),
        (17, 15, 33),
        (33, 65, 129),
        (40, 300, 50),
        (20, 8, 1021),
        // Sums in several dispatches.
        (2, 2, 70_001),
    ] {
        let name = format!("n = {n}, h = {h}, v = {v}");
        cases.push(Case::new(&*name, normal(&name, n, h, v)));
    }
    cases.push(Case::new("three chunks", normal("three chunks", 600, 5, 20)));
    for (name, n, h, v, tile, storage) in [
        ("bias", 9, 12, 40, None, Storage::F32),
        ("bias, f16, odd width", 9, 13, 41, None, Storage::F16),
        ("bias, bf16", 20, 24, 70, None, Storage::Bf16),
        ("three tiles of columns", 5, 6, 5000, Some((256, 2048)), Storage::F32),
        ("tiles of rows and columns, bias, f16", 300, 7, 2500, Some((256, 2048)), Storage::F16),
    ] {
        let mut draw = Draw::of(&format!("{name}, bias"));
        let bias = name.contains("bias").then(|| draw.normals(v, 1.0));
        cases.push(Case::new(name, LinearProblem { bias, tile, storage, ..normal(name, n, h, v) }));
    }
    let token = Token { softcap: 5.0, logit_scale: 0.5, temperature: 0.8 };
    let capped = LinearProblem { op: Linear { token }, ..normal("softcap, scale, temperature", 9, 12, 40) };
    cases.push(Case::new("softcap, scale, temperature", capped));
    let one = LinearProblem { tile: Some((1024, 2048)), ..normal("three chunks", 600, 5, 20) };
    cases.push(Case::new("three chunks in one", one));
    let warm = LinearProblem { op: Linear::at(0.7), ..normal("temperature 0.7", 9, 12, 40) };
    cases.push(Case::new("temperature 0.7", warm));
    let next = LinearProblem { rules: Labels::next(5), ..normal("labels of the next token", 20, 12, 40) };
    cases.push(Case::new("labels of the next token", finite_except_unscored(next)));
    let mut only_logp = normal("upstream logp only", 18, 20, 70);
    (only_logp.upstream[1], only_logp.upstream[2]) = (None, None);
    cases.push(Case::new("upstream logp only", only_logp));
    let mut peaked = normal("peaked", 10, 24, 50);
    peaked.weight.iter_mut().for_each(|w| *w *= 16.0);
    cases.push(Case::new("peaked", peaked));
    cases
}

/// Under the shifted convention other rows are unscored than those whose own label is ignored.
fn finite_except_unscored(mut problem: LinearProblem) -> LinearProblem {
    let (h, mut draw) = (problem.h, Draw::of("unscored"));
    for row in 0..problem.labels.len() {
        let scored = problem.rules.of(&problem.labels, row).is_some();
        let fill: Vec<f64> = (0..h).map(|_| if scored { draw.normal(1.0) } else { f64::NAN }).collect();
        problem.hidden[row * h..][..h].copy_from_slice(&fill);
    }
    problem
}
