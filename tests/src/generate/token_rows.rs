//! Cases of TokenRows.

use bellwether_core::logprob::Token;
use bellwether_core::sig::token_rows::Labels;
use bellwether_core::status::{EMPTY_SUPPORT, INFINITE, LABEL_RANGE, NAN};

use super::{Case, Draw, token_ways};
use crate::problem::{BadUpstream, Fault, TokenProblem, Way};

/// One upstream gradient at a time, in the order of the contract.
const ONLY: [&str; 5] = [
    "upstream logp only",
    "upstream lse only",
    "upstream entropy only",
    "upstream log_sum_sq only",
    "upstream mean_logit only",
];

const NEG_INF: f64 = f64::NEG_INFINITY;

/// Normal logits, random labels, all upstream gradients.
pub(super) fn normal(name: &str, n: usize, v: usize, deviation: f64) -> TokenProblem {
    let mut draw = Draw::of(name);
    TokenProblem {
        v,
        logits: draw.normals(n * v, deviation),
        labels: draw.labels(n, v, 0.0),
        upstream: [1.0, 0.5, 0.25, 0.7, 0.3].map(|scale| Some(draw.normals(n, scale))),
        ..TokenProblem::default()
    }
}

/// Rows with logits of a given shape `f(row, column)`, labels at the last and the first index.
fn shaped(name: &str, n: usize, v: usize, f: impl Fn(&mut Draw, usize, usize) -> f64) -> Case {
    let mut problem = normal(name, n, v, 1.0);
    let mut draw = Draw::of(&format!("{name}, logits"));
    problem.logits = (0..n * v).map(|at| f(&mut draw, at / v, at % v)).collect();
    problem.labels = (0..n).map(|i| if i % 2 == 0 { v as i32 - 1 } else { 0 }).collect();
    Case::new(name, problem)
}

/// Rows that do not count hold what must not be read.
fn padded(name: &str, filler: f64) -> Case {
    let mut problem = normal(name, 12, 67, 2.0);
    for row in [0, 3, 4, 11] {
        problem.labels[row] = -100;
        problem.logits[row * 67..][..67].fill(filler);
    }
    Case::new(name, problem)
}

/// All upstream gradients of four rows.
fn upstream_of_all(name: &str) -> [Option<Vec<f64>>; 5] {
    normal(name, 4, 1, 1.0).upstream
}

/// Labels that are nearly certain: 1 − p must keep its digits.
fn confident(upstream: [Option<Vec<f64>>; 5]) -> TokenProblem {
    let mut problem = TokenProblem { upstream, ..normal("confident label", 4, 64, 1.0) };
    for (row, label) in problem.labels.iter_mut().enumerate() {
        *label = if row % 2 == 0 { 63 } else { 0 };
        problem.logits[row * 64..][..64].fill(-1.0);
        problem.logits[row * 64 + *label as usize] = 15.0;
    }
    problem
}

/// Rows with inputs outside the contract, among good ones.
fn faults(name: &str, v: usize, way: Way) -> Case {
    let mut problem = TokenProblem { way, ..normal(name, 9, v, 2.0) };
    let mut status = vec![0; 9];
    for (row, column, x, said) in [
        (1, v - 1, f64::NAN, NAN),
        (2, 0, f64::INFINITY, INFINITE),
        (4, 33, -f64::NAN, NAN),
        (7, 5, f64::NAN, NAN),
    ] {
        problem.logits[row * v + column] = x;
        status[row] = said;
    }
    problem.logits[5 * v..][..v].fill(NEG_INF);
    (problem.labels[6], problem.labels[7]) = (v as i32, -5);
    (status[5], status[6], status[7]) = (EMPTY_SUPPORT, LABEL_RANGE, NAN | LABEL_RANGE);
    Case::new(name, Fault { problem, status })
}

/// A fault in every lane and in every place of a lane's block, one per row: none may be lost on its way to the status.
fn scattered_faults() -> Case {
    let name = "a fault anywhere";
    let columns: Vec<usize> = (0..64).chain((0..17).map(|place| place * 64 + 5)).collect();
    let (n, v) = (columns.len(), 1100);
    let mut problem = normal(name, n, v, 2.0);
    for (row, column) in columns.into_iter().enumerate() {
        problem.logits[row * v + column] = f64::NAN;
    }
    Case::new(name, Fault { problem, status: vec![NAN; n] })
}

/// One upstream gradient of each row infinite, or NaN, plane after plane; the last row is good.
fn bad_upstream(name: &'static str, way: Way) -> Case {
    let mut problem = TokenProblem { way, ..normal(name, 11, 70, 2.0) };
    for (i, plane) in problem.upstream.iter_mut().flatten().enumerate() {
        (plane[2 * i], plane[2 * i + 1]) = (f64::INFINITY, f64::NAN);
    }
    Case::new(name, BadUpstream { problem, bad: (0..11).map(|row| row < 10).collect() })
}

/// The cases.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        faults("inputs outside the contract", 70, Way::Rows),
        faults("inputs outside the contract, long rows", 300, Way::Rows),
        faults("inputs outside the contract, in three shards", 70, Way::Shards(3)),
        faults("inputs outside the contract, in one kernel", 70, Way::Step),
        scattered_faults(),
        bad_upstream("upstream outside the contract", Way::Rows),
        bad_upstream("upstream outside the contract, in one kernel", Way::Step),
        Case::new("empty batch", normal("empty batch", 0, 8, 1.0)),
        Case::new("one row", normal("one row", 1, 100, 1.0)),
    ];
    for v in [1, 2, 3, 63, 64, 65, 127, 1021, 4097] {
        let name = format!("v = {v}");
        cases.push(Case::new(&*name, normal(&name, 5, v, 3.0)));
    }
    cases.push(Case::new("v = 151936", normal("v = 151936", 2, 151_936, 2.0)));
    cases.push(Case::new("scale 40", normal("scale 40", 4, 333, 40.0)));
    cases.push(shaped("all equal", 3, 130, |_, row, _| row as f64 - 1.0));
    cases.push(shaped("duplicate maxima", 4, 70, |d, _, j| if j % 23 == 5 { 7.0 } else { d.normal(1.0) }));
    for peak in [50.0, 90.0] {
        cases.push(shaped(
            &format!("one peak {peak}"),
            4,
            65,
            move |_, _, j| if j == 64 { peak } else { 0.0 },
        ));
    }
    for shift in [2e4, -2e4] {
        let on_grid = move |d: &mut Draw| (d.normal(2.0) * 512.0).round() / 512.0 + shift;
        cases.push(shaped(&format!("common shift {shift}"), 4, 99, move |d, _, _| on_grid(d)));
    }
    cases.push(shaped("all very negative", 3, 200, |d, _, _| -1e4 + d.uniform(-1.0, 1.0).round()));
    cases.push(shaped("long tail", 2, 100_001, |_, _, j| if j == 17 { 0.0 } else { -9.0 }));
    cases.push(shaped("maximum in the last element", 3, 257, |_, _, j| if j == 256 { 30.0 } else { 0.0 }));
    cases.push(shaped("rising", 2, 2049, |_, _, j| j as f64 / 16.0));
    cases.push(shaped("falling", 2, 2049, |_, _, j| -(j as f64) / 16.0));
    cases.push(shaped("every lane its own scale", 2, 1024, |_, _, j| ((j % 64) as f64 - 32.0) * 8.0));
    for (name, v) in [("extremes 1e30", 66), ("extremes 1e30, long rows", 300)] {
        cases.push(shaped(
            name,
            4,
            v,
            |_, row, j| {
                if (j + row) % 3 == 0 { 1e30_f32.into() } else { (-1e30_f32).into() }
            },
        ));
    }
    for (name, v) in [("extremes of f32", 66), ("extremes of f32, long rows", 300)] {
        cases
            .push(shaped(name, 2, v, move |_, _, j| f64::from(if j + 1 == v { f32::MAX } else { f32::MIN })));
    }
    // Nothing is above what an empty row begins with.
    cases.push(shaped("all the lowest of f32", 2, 1100, |_, _, _| f32::MIN.into()));
    cases.push(shaped("denormals", 2, 66, |_, _, j| f64::from(f32::from_bits(j as u32 + 1))));
    cases.push(shaped("banned tokens", 4, 131, |d, _, j| if j % 5 == 2 { NEG_INF } else { d.normal(2.0) }));
    cases.push(shaped("one token allowed", 3, 131, |_, row, j| match (row % 2, j) {
        (0, 130) | (1, 0) => 1.5,
        _ => NEG_INF,
    }));
    cases.push(shaped("banned label", 2, 70, |d, _, j| if j == 69 { NEG_INF } else { d.normal(1.0) }));
    cases.push(shaped(
        "whole lanes banned",
        2,
        1030,
        |d, _, j| if j % 64 < 40 { NEG_INF } else { d.normal(3.0) },
    ));
    for (name, filler) in
        [("padding NaN", f64::NAN), ("padding infinite", f64::INFINITY), ("padding 1e38", 1e38)]
    {
        cases.push(padded(name, f64::from(filler as f32)));
    }
    let mut all_ignored = normal("all ignored", 9, 33, 1.0);
    all_ignored.labels.fill(-100);
    all_ignored.logits.fill(f64::NAN);
    cases.push(Case::new("all ignored", all_ignored));
    for (temperature, v) in [(0.7, 75), (1.3, 75), (8.0, 75), (0.6, 300)] {
        let name = format!("temperature {temperature}");
        let problem = TokenProblem { op: Token::at(temperature), ..normal(&name, 4, v, 3.0) };
        cases.push(Case::new(name, problem));
    }
    for (name, v) in [("labels of the next token", 40), ("labels of the next token, long rows", 300)] {
        let mut shifted = TokenProblem { rules: Labels::next(7), ..normal(name, 21, v, 2.0) };
        for row in [6, 13, 20] {
            shifted.logits[row * v..][..v].fill(f64::NAN);
        }
        shifted.labels[9] = -100;
        shifted.logits[8 * v..][..v].fill(f64::NAN);
        cases.push(Case::new(name, shifted));
    }
    for (i, name) in ONLY.into_iter().enumerate() {
        let mut problem = normal(name, 6, 90, 2.0);
        for (j, plane) in problem.upstream.iter_mut().enumerate() {
            if i != j {
                *plane = None;
            }
        }
        cases.push(Case::new(name, problem));
    }
    cases.push(Case::new("confident label", confident(upstream_of_all("confident label"))));
    // The maximum stays while blocks with little beside it follow.
    let mut settled = normal("settled early", 2, 2100, 0.0);
    settled.labels.fill(17);
    for row in 0..2 {
        settled.logits[row * 2100 + 17] = 20.0;
    }
    cases.push(Case::new("settled early", settled));
    let [logp, ..] = upstream_of_all("confident label");
    cases.push(Case::new("confident label, upstream logp only", confident([logp, None, None, None, None])));
    // One workgroup more than rows: it must write nothing.
    let mut many = normal("66001 rows", 66_001, 3, 1.0);
    many.mask = Some((0..66_001).map(|i| i % 3).collect());
    cases.push(Case::new("66001 rows", many));
    cases.extend(token_ways::cases());
    cases.push(Case::heavy("beyond one binding", |name| normal(name, 9001, 4099, 1.0)));
    cases
}
