//! Cases of TokenMap, for every operator.

use bellwether_core::sig::Reduction;
use bellwether_core::status::{INFINITE, NAN};
use bellwether_cpu_ref::token_map::MapRow;

use super::{Case, Draw};
use crate::problem::{Fault, Layout, MapProblem};

/// The constant that says to which of two sides an element belongs.
const LABEL: &str = "desirable";

/// What a constant is set to in turn, where other arrays move; none for those that stay in their place.
fn settings(name: &str) -> &'static [f64] {
    match name {
        LABEL => &[1.0, 0.0, -1.0, 0.5, 0.500_03, 0.499_97],
        "target" | "probability" => &[0.0, 1.0, 0.3],
        _ => &[],
    }
}

/// Numbers for every array of the operator, by the array's name: log-probabilities lie near one another, labels are 0 or
/// 1, probabilities reach both ends of their range, anything else is normal.
pub(crate) fn normal<O: MapRow>(op: O, name: &str, (rows, len): (usize, usize)) -> MapProblem<O> {
    let mut draw = Draw::of(name);
    let n = rows * len;
    let logps: Vec<f64> = (0..n).map(|_| draw.uniform(-9.0, -0.01)).collect();
    let mut array = |(i, name): (usize, &&str)| match (i, name.ends_with("logp")) {
        (0, true) => logps.clone(),
        (_, true) => logps.iter().map(|x| f64::from((x + draw.normal(0.7)) as f32)).collect(),
        _ => match *name {
            LABEL => (0..n).map(|_| f64::from(u8::from(draw.unit() < 0.6))).collect(),
            "target" | "probability" => (0..n).map(|_| draw.uniform(-0.25, 1.25).clamp(0.0, 1.0)).collect(),
            _ => draw.normals(n, 1.0),
        },
    };
    let inputs = O::PLANES.inputs.iter().enumerate().map(&mut array).collect();
    let first = O::PLANES.inputs.len();
    let constants =
        O::PLANES.constants.iter().enumerate().map(|(j, name)| array((first + j, name))).collect();
    let reduction = Reduction::Mean { over: u32::try_from(n).unwrap_or(u32::MAX).max(1) };
    let layout = Layout::default();
    MapProblem { op, rows, len, inputs, constants, mask: None, upstream: None, reduction, layout }
}

/// The same with a mask and upstream gradients; what does not count is NaN.
fn masked<O: MapRow>(op: O, name: &str, shape: (usize, usize), kept: f64) -> MapProblem<O> {
    let mut problem = normal(op, name, shape);
    let (mut draw, n) = (Draw::of(&format!("{name}, mask")), shape.0 * shape.1);
    let mask: Vec<u32> = (0..n).map(|i| if draw.unit() < kept { 1 + i as u32 % 3 } else { 0 }).collect();
    problem.upstream = Some(draw.normals(n, 2.0));
    for array in problem.inputs.iter_mut().chain(&mut problem.constants).chain(&mut problem.upstream) {
        array.iter_mut().zip(&mask).filter(|(_, word)| **word == 0).for_each(|(x, _)| *x = f64::NAN);
    }
    MapProblem { mask: Some(mask), ..problem }
}

/// Differences around everything that a map may stumble over, as f32 has them.
fn differences() -> Vec<f64> {
    let sizes = [
        0.0, 1e-45, 1e-40, 1.2e-38, 1e-30, 1e-20, 1e-15, 1e-8, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 0.3, 0.5,
        0.69, 0.7, 0.71, 1.0, 1.29, 1.3, 1.31, 2.0, 5.0, 10.0, 17.4, 17.5, 17.6, 40.0, 80.0, 88.0, 88.7,
    ];
    sizes.iter().flat_map(|&size: &f64| [f64::from(size as f32), -f64::from(size as f32)]).collect()
}

/// Each input in turn at every difference from a place, every other array at that place; once for each setting of the
/// constants that have some.
fn around<O: MapRow>(op: O, place: f64, differences: &[f64]) -> MapProblem<O> {
    let (planes, len) = (O::PLANES, differences.len());
    let times = planes.constants.iter().map(|name| settings(name).len()).fold(1, usize::max);
    let rows = planes.inputs.len() * times;
    let moved = |j: usize| {
        let row = |r: usize| differences.iter().map(move |&d| if r / times == j { place + d } else { place });
        (0..rows).flat_map(row).map(|x| f64::from(x as f32)).collect()
    };
    let constant = |name: &&str| {
        let of_row = |r: usize| settings(name).get(r % times).copied().unwrap_or(place);
        (0..rows * len).map(|i| of_row(i / len)).collect()
    };
    let inputs = (0..planes.inputs.len()).map(moved).collect();
    let constants = planes.constants.iter().map(constant).collect();
    let (reduction, layout) = (Reduction::Sum, Layout::Packed);
    MapProblem { op, rows, len, inputs, constants, mask: None, upstream: None, reduction, layout }
}

/// Elements outside the contract, among good ones and among such that do not count.
fn faults<O: MapRow>(op: O) -> Case {
    let mut problem = normal(op, "faults", (2, 8));
    let mut upstream = vec![1.0; 16];
    let mut status = vec![0; 16];
    (upstream[3], status[3]) = (f64::NAN, NAN);
    (upstream[9], status[9]) = (f64::NEG_INFINITY, INFINITE);
    for (k, array) in problem.inputs.iter_mut().chain(&mut problem.constants).enumerate() {
        (array[4 + k % 4], status[4 + k % 4]) = (f64::NAN, NAN);
        (array[10 + k % 4], status[10 + k % 4]) = (f64::INFINITY, INFINITE);
        array[15] = f64::NAN;
    }
    problem.mask = Some((0..16).map(|i| u32::from(i != 15)).collect());
    problem.upstream = Some(upstream);
    Case::new("inputs outside the contract", Fault { problem, status })
}

/// Arrays that lie otherwise than packed.
fn layouts<O: MapRow>(op: O) -> Vec<Case> {
    let layouts = [("interleaved", Layout::Interleaved), ("pitched", Layout::Pitched)];
    let mut cases: Vec<Case> = layouts
        .into_iter()
        .flat_map(|(name, layout)| {
            let masked_name = format!("{name}, masked");
            let all = MapProblem { layout, ..normal(op, name, (7, 11)) };
            let some = MapProblem { layout, ..masked(op, &masked_name, (7, 11), 0.6) };
            [Case::new(name, all), Case::new(masked_name, some)]
        })
        .collect();
    let mut problem = normal(op, "constants per row", (6, 9));
    problem.upstream = Some(Draw::of("upstream per row").normals(54, 1.0));
    for array in problem.constants.iter_mut().chain(&mut problem.upstream) {
        array.chunks_mut(9).for_each(|row| row.fill(row[0]));
    }
    cases.push(Case::new("constants per row", MapProblem { layout: Layout::PerRow, ..problem }));
    cases
}

/// Cases with parameters other than the defaults: what the signature does with arrays is known by then.
pub(super) fn other_parameters<O: MapRow>(op: O) -> Vec<Case> {
    let far = [104.0, -104.0, 1e4, -1e4];
    vec![
        Case::new("other parameters", normal(op, "other parameters", (17, 29))),
        Case::new("other parameters, differences", around(op, -5.0, &differences())),
        Case::new("other parameters, far apart", around(op, 0.5, &far)),
    ]
}

/// The cases.
pub(super) fn cases<O: MapRow>(op: O) -> Vec<Case> {
    let mut cases = Vec::new();
    for (rows, len) in [(0, 5), (5, 0), (1, 1), (1, 63), (8, 8), (5, 13), (31, 33), (257, 273)] {
        let name = format!("{rows} x {len}");
        cases.push(Case::new(name.clone(), normal(op, &name, (rows, len))));
    }
    for (name, kept) in [("masked", 0.6), ("all masked", -1.0), ("none masked", 2.0)] {
        cases.push(Case::new(name, masked(op, name, (9, 21), kept)));
    }
    cases.extend(layouts(op));
    let steps = differences();
    for place in [0.0, -5.0, -0.001] {
        cases.push(Case::new(format!("differences from {place}"), around(op, place, &steps)));
    }
    let far = [104.0, -104.0, 1e4, -1e4, 1e20, -1e20, 3e38, -3e38];
    cases.push(Case::new("differences beyond an exponential's range", around(op, 0.0, &far)));
    cases.push(faults(op));
    cases.push(Case::tight("many for a small device", masked(op, "many for a small device", (7, 101), 0.6)));
    let part = MapProblem { reduction: Reduction::Mean { over: 1000 }, ..normal(op, "an eighth", (5, 25)) };
    cases.push(Case::new("an eighth of a batch", part));
    let sum = MapProblem { reduction: Reduction::Sum, ..normal(op, "a sum", (5, 25)) };
    cases.push(Case::new("a sum", sum));
    // More elements than one direction of a dispatch holds, in rows that one sum takes.
    cases.push(Case::heavy("more than 65,535 workgroups", move |name| normal(op, name, (5, 900_001))));
    cases
}
