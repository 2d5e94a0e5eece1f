//! Rows in 16 bits: words that two rows share, gradients of every size, ties.

use bellwether_core::Storage;
use bellwether_cpu_ref::logit_pairs::PairRow;

use super::super::Case;
use super::Suite;
use crate::problem::{LogitPairProblem, Pinned};
use crate::storage::round;

/// The cases of a suite that is stored in 16 bits.
pub(super) fn of<O: PairRow>(s: &Suite<O>) -> Vec<Case> {
    if s.storage == Storage::F32 {
        return Vec::new();
    }
    shared(s).into_iter().chain([sizes(s), ties(s)]).collect()
}

/// Odd widths and gaps of every parity, in either matrix; some rows do not count.
fn shared<O: PairRow>(s: &Suite<O>) -> Vec<Case> {
    let shapes = [(1, [0, 0]), (2, [0, 0]), (7, [0, 1]), (65, [1, 0]), (65, [2, 3]), (1021, [0, 0])];
    let case = |(v, gaps): (usize, [usize; 2])| {
        let name = format!("{}v = {v}, gaps {gaps:?}", s.prefix);
        let mut problem =
            LogitPairProblem { gaps, ..s.normal(&format!("v = {v}, gaps {gaps:?}"), 7, v, 3.0) };
        for row in [1, 4] {
            problem.labels[row] = -100;
            problem.logits[row * v..][..v].fill(f64::NAN);
        }
        Case::new(name, problem)
    };
    shapes.map(case).into()
}

/// Gradients that are subnormal, that vanish, and that overflow half precision.
fn sizes<O: PairRow>(s: &Suite<O>) -> Case {
    let mut problem = s.normal("gradients of every size", 9, 40, 1.5);
    let sizes = [1e-8, 1e-6, 1e-4, 3e-5, 1.0, 1e3, 6e4, 7e4, 1e9];
    for plane in problem.upstream.iter_mut().flatten() {
        plane.iter_mut().zip(sizes).for_each(|(x, size)| *x *= size);
    }
    Case::new(format!("{}gradients of every size", s.prefix), problem)
}

/// Gradients half-way between two numbers of 16 bits: the even one is right, and the bound would allow either.
fn ties<O: PairRow>(s: &Suite<O>) -> Case {
    let half = f64::exp2(if s.storage == Storage::F16 { -11.0 } else { -8.0 });
    let ups =
        [1.0 + half, 1.0 + 3.0 * half, -1.0 - half, 2.0 + 2.0 * half, 2f64.powi(-25), 3.0 * 2f64.powi(-25)];
    let mut problem = s.shaped("ties", (ups.len(), 2), |_, _, j| {
        // The label is impossible but for rounding: the gradients are the upstream gradient and its negative.
        let x = if j == 0 { 0.0 } else { -4096.0 };
        (x, x)
    });
    problem.labels.fill(1);
    problem.upstream.fill(None);
    let temperature = s.op.token().temperature;
    problem.upstream[0] = Some(ups.iter().map(|up| up * temperature).collect());
    let exact = ups.iter().flat_map(|&up| [-up, up]).map(|x| round(x as f32, s.storage).into()).collect();
    Case::new(format!("{}ties", s.prefix), Pinned { problem, exact: vec![("d_logits", exact)] })
}
