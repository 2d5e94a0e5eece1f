//! Cases of ReverseScan, for every operator.

use bellwether_core::sig::Reduction;
use bellwether_core::status::{DOMAIN, INFINITE, NAN};
use bellwether_cpu_ref::reverse_scan::ScanRow;

use super::{Case, Draw};
use crate::problem::{Fault, Layout, Rows, ScanProblem};

/// One number of an array, by the array's name.
fn number(name: &str, draw: &mut Draw) -> f64 {
    let chance = draw.unit();
    match name {
        // Episodes end now and then.
        "discount_t" if chance < 0.06 => 0.0,
        "discount_t" => draw.uniform(0.9, 1.0),
        "lambda_t" | "c_t" if chance < 0.05 => 0.0,
        "lambda_t" | "c_t" if chance < 0.1 => 1.0,
        "lambda_t" | "c_t" => draw.unit(),
        "mask_t" => f64::from(u8::from(chance < 0.7)),
        name if name.starts_with("log_") => draw.normal(0.6),
        // At 1 and on both sides of it, where ratios are clipped.
        name if name.starts_with("rho") && chance < 0.05 => 1.0,
        name if name.starts_with("rho") => f64::from(draw.normal(0.6).exp() as f32),
        _ => draw.normal(1.0),
    }
}

/// Numbers for every array of the operator: discounts near 1 with ends of episodes, ratios around 1, traces from 0 to
/// 1, anything else normal.
fn filled<O: ScanRow>(op: O, name: &str, rows: Rows) -> ScanProblem<O> {
    let mut draw = Draw::of(name);
    let n = rows.shape().0 * rows.shape().1;
    let mut array = |name: &&str| -> Vec<f64> { (0..n).map(|_| number(name, &mut draw)).collect() };
    let inputs = O::PLANES.inputs.iter().map(&mut array).collect();
    let constants = O::PLANES.constants.iter().map(&mut array).collect();
    let reduction = Reduction::Mean { over: u32::try_from(n).unwrap_or(u32::MAX).max(1) };
    let (mask, upstream, gradients, layout) = (None, None, true, Layout::default());
    ScanProblem { op, rows, inputs, constants, mask, upstream, reduction, gradients, layout }
}

/// Padded rows all of whose steps count.
pub(crate) fn normal<O: ScanRow>(op: O, name: &str, (rows, len): (usize, usize)) -> ScanProblem<O> {
    filled(op, name, Rows::Padded { rows, len, lengths: None })
}

/// What does not count is NaN, and everything has an upstream gradient.
fn hidden<O: ScanRow>(
    mut problem: ScanProblem<O>,
    name: &str,
    hides: impl Fn(usize) -> bool,
) -> ScanProblem<O> {
    let n = problem.rows.shape().0 * problem.rows.shape().1;
    problem.upstream = Some(Draw::of(&format!("{name}, upstream")).normals(n, 2.0));
    let constants = problem.constants.iter_mut().chain(&mut problem.upstream);
    for array in problem.inputs.iter_mut().chain(constants) {
        (0..n).filter(|&i| hides(i)).for_each(|i| array[i] = f64::NAN);
    }
    problem
}

/// Steps that count in no order.
fn masked<O: ScanRow>(op: O, name: &str, shape: (usize, usize), kept: f64) -> ScanProblem<O> {
    let (mut draw, n) = (Draw::of(&format!("{name}, mask")), shape.0 * shape.1);
    let mask: Vec<u32> = (0..n).map(|i| if draw.unit() < kept { 1 + i as u32 % 3 } else { 0 }).collect();
    let problem = hidden(normal(op, name, shape), name, |i| mask[i] == 0);
    ScanProblem { mask: Some(mask), ..problem }
}

/// Rows of any length, the first of none and the second of all.
fn ragged<O: ScanRow>(op: O, name: &str, (rows, len): (usize, usize)) -> ScanProblem<O> {
    let mut draw = Draw::of(&format!("{name}, lengths"));
    let mut lengths: Vec<u32> = (0..rows).map(|_| draw.below(len + 1) as u32).collect();
    (lengths[0], lengths[1]) = (0, len as u32);
    let padding = lengths.clone();
    let problem = filled(op, name, Rows::Padded { rows, len, lengths: Some(lengths) });
    hidden(problem, name, |i| i % len >= padding[i / len] as usize)
}

/// Rows one behind another.
fn packed<O: ScanRow>(op: O, name: &str, lengths: &[u32]) -> ScanProblem<O> {
    let ends = lengths.iter().scan(0, |end, len| {
        *end += len;
        Some(*end)
    });
    let problem = filled(op, name, Rows::Packed(std::iter::once(0).chain(ends).collect()));
    hidden(problem, name, |_| false)
}

/// Rows outside the contract, among good ones; a step that does not count may be anything.
fn faults<O: ScanRow>(op: O, gradients: bool) -> Case {
    const HIDDEN: usize = 5;
    let (rows, len) = (24, 11);
    let name = if gradients { "faults" } else { "faults, no gradients" };
    let mut problem = hidden(normal(op, name, (rows, len)), name, |i| i % len == HIDDEN);
    let (mut status, mut lengths) = (vec![0; rows], vec![len as u32; rows]);
    let constants = problem.constants.iter_mut().chain(&mut problem.upstream);
    for (k, array) in problem.inputs.iter_mut().chain(constants).enumerate() {
        let (first, second) = (1 + 2 * k, 2 + 2 * k);
        (array[first * len], status[first]) = (f64::NAN, NAN);
        (array[second * len + len - 1], status[second]) = (f64::NEG_INFINITY, INFINITE);
    }
    (lengths[rows - 2], status[rows - 2]) = (len as u32 + 1, DOMAIN);
    let counts = |i: usize| i % len != HIDDEN;
    problem.rows = Rows::Padded { rows, len, lengths: Some(lengths) };
    problem.mask = Some((0..rows * len).map(|i| u32::from(counts(i))).collect());
    problem.gradients = gradients;
    let status = (0..rows * len).map(|i| if counts(i) { status[i / len] } else { 0 }).collect();
    Case::new(name, Fault { problem, status })
}

/// Arrays that lie otherwise than packed.
fn layouts<O: ScanRow>(op: O) -> Vec<Case> {
    let layouts = [
        ("interleaved", Layout::Interleaved),
        ("pitched", Layout::Pitched),
        ("time-major", Layout::TimeMajor),
    ];
    let mut cases = Vec::new();
    for (name, layout) in layouts {
        let masked_name = format!("{name}, masked");
        let ragged_name = format!("{name}, ragged");
        cases.push(Case::new(name, ScanProblem { layout, ..normal(op, name, (7, 11)) }));
        let some = ScanProblem { layout, ..masked(op, &masked_name, (7, 11), 0.6) };
        cases.push(Case::new(masked_name, some));
        let rows = ScanProblem { layout, ..ragged(op, &ragged_name, (5, 530)) };
        cases.push(Case::new(ragged_name, rows));
    }
    let mut problem = normal(op, "one number per row", (6, 9));
    problem.upstream = Some(Draw::of("upstream per row").normals(54, 1.0));
    let constants = problem.constants.iter_mut().chain(&mut problem.upstream);
    for array in problem.inputs.iter_mut().chain(constants) {
        array.chunks_mut(9).for_each(|row| row.fill(row[0]));
    }
    cases.push(Case::new("one number per row", ScanProblem { layout: Layout::PerRow, ..problem }));
    cases
}

/// Discounts, traces and ratios of 1, so that all of a long row matters; and of 0.
fn factors<O: ScanRow>(op: O, name: &str, shape: (usize, usize), factor: f64) -> ScanProblem<O> {
    let mut problem = normal(op, name, shape);
    let factors = ["discount_t", "lambda_t", "c_t", "rho_tm1"];
    let inputs = O::PLANES.inputs.iter().zip(&mut problem.inputs);
    for (name, array) in inputs.chain(O::PLANES.constants.iter().zip(&mut problem.constants)) {
        if factors.contains(name) {
            array.fill(factor);
        }
    }
    problem
}

/// Cases with parameters other than the defaults: what the signature does with arrays is known by then.
pub(super) fn other_parameters<O: ScanRow>(op: O) -> Vec<Case> {
    vec![
        Case::new("other parameters", normal(op, "other parameters", (9, 29))),
        Case::new("other parameters, masked", masked(op, "other parameters, masked", (5, 31), 0.7)),
    ]
}

/// The cases.
pub(super) fn cases<O: ScanRow>(op: O) -> Vec<Case> {
    let mut cases = Vec::new();
    for (rows, len) in
        [(0, 5), (5, 0), (1, 1), (9, 2), (2, 8), (2, 9), (3, 65), (2, 512), (2, 513), (1, 1600)]
    {
        let name = format!("{rows} x {len}");
        cases.push(Case::new(name.clone(), normal(op, &name, (rows, len))));
    }
    for (name, kept) in [("masked", 0.6), ("all masked", -1.0), ("none masked", 2.0)] {
        cases.push(Case::new(name, masked(op, name, (9, 21), kept)));
    }
    cases.push(Case::new("long, masked", masked(op, "long, masked", (2, 1100), 0.1)));
    cases.push(Case::new("ragged", ragged(op, "ragged", (12, 70))));
    cases.push(Case::new("packed", packed(op, "packed", &[3, 0, 1, 17, 600, 0])));
    cases.push(Case::new("packed, one row", packed(op, "packed, one row", &[20])));
    cases.push(Case::new("packed, no step", packed(op, "packed, no step", &[0, 0])));
    cases.extend(layouts(op));
    cases.extend([true, false].map(|gradients| faults(op, gradients)));
    let plain = ScanProblem { gradients: false, ..normal(op, "no gradients", (3, 40)) };
    cases.push(Case::new("no gradients", plain));
    // Three tiles, so that something passes through a whole one.
    let lengths = [("all of a row", 1.0, 1300), ("nothing but the step", 0.0, 700), ("growing", 1.03, 700)];
    for (name, factor, len) in lengths {
        cases.push(Case::new(name, factors(op, name, (2, len), factor)));
    }
    cases.push(Case::tight("many for a small device", masked(op, "many for a small device", (93, 5), 0.6)));
    let sum = ScanProblem { reduction: Reduction::Sum, ..normal(op, "a sum", (5, 25)) };
    cases.push(Case::new("a sum", sum));
    cases.push(Case::heavy("one long row", move |name| factors(op, name, (1, 100_003), 0.9999)));
    cases.push(Case::heavy("more than 65,535 rows", move |name| normal(op, name, (70_001, 3))));
    cases
}
