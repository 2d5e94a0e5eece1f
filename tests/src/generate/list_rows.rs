//! Cases of ListRows, for every operator.

use bellwether_core::sig::Reduction;
use bellwether_core::status::{DOMAIN, INFINITE, NAN};
use bellwether_cpu_ref::list_rows::ListRow;

use super::{Case, Draw};
use crate::problem::{Fault, Layout, ListProblem};

/// Numbers for every array of the operator, by the array's name: log-probabilities lie near one another, gains are few,
/// anything else is normal.
pub(crate) fn normal<O: ListRow>(op: O, name: &str, (lists, items): (usize, usize)) -> ListProblem<O> {
    let mut draw = Draw::of(name);
    let n = lists * items;
    let logps: Vec<f64> = (0..n).map(|_| draw.uniform(-40.0, -0.01)).collect();
    let mut array = |name: &&str| -> Vec<f64> {
        match *name {
            // Gains of labels 0, 1/2, … 2: there are equal ones.
            "gain" => (0..n).map(|_| f64::from((0.5 * draw.below(5) as f64).exp2() as f32 - 1.0)).collect(),
            name if name.ends_with("logp") => {
                logps.iter().map(|x| f64::from((x + draw.normal(0.7)) as f32)).collect()
            }
            _ => draw.normals(n, 1.0),
        }
    };
    let inputs = O::PLANES.inputs.iter().map(&mut array).collect();
    let constants = O::PLANES.constants.iter().map(&mut array).collect();
    let mut problem = ListProblem {
        op,
        lists,
        items,
        inputs,
        constants,
        rank: None,
        length: None,
        upstream: None,
        reduction: Reduction::Mean { over: u32::try_from(lists).unwrap_or(u32::MAX).max(1) },
        layout: Layout::default(),
    };
    rank_anew(&mut problem, &mut draw);
    problem
}

/// Ranks in random order where the operator reads them; what stands in the padding is no rank.
fn rank_anew<O: ListRow>(problem: &mut ListProblem<O>, draw: &mut Draw) {
    let items = problem.items;
    let mut ranks = vec![u32::MAX; problem.lists * items];
    for (row, ranks) in ranks.chunks_mut(items.max(1)).enumerate() {
        let len = problem.length.as_ref().map_or(items, |length| length[row] as usize);
        (0..len).for_each(|i| ranks[i] = i as u32 + 1);
        (1..len).for_each(|i| ranks.swap(i, draw.below(i + 1)));
    }
    problem.rank = O::PLANES.ranked.then_some(ranks);
}

/// Lists of any length from `least` on with upstream gradients; what stands in the padding is NaN.
fn ragged<O: ListRow>(op: O, name: &str, shape: (usize, usize), least: usize) -> ListProblem<O> {
    let mut problem = normal(op, name, shape);
    let mut draw = Draw::of(&format!("{name}, lengths"));
    let length: Vec<u32> = (0..shape.0).map(|_| (least + draw.below(shape.1 + 1 - least)) as u32).collect();
    for array in problem.inputs.iter_mut().chain(&mut problem.constants) {
        for (row, &len) in array.chunks_mut(shape.1).zip(&length) {
            row[len as usize..].fill(f64::NAN);
        }
    }
    problem.length = Some(length);
    problem.upstream = Some((0..shape.0).map(|i| if i == 1 { 0.0 } else { draw.normal(2.0) }).collect());
    rank_anew(&mut problem, &mut draw);
    problem
}

/// Lists in which one input takes these values in turn, all else being drawn.
fn with_inputs<O: ListRow>(op: O, name: &str, items: usize, values: &[f64]) -> ListProblem<O> {
    let lists = values.len().div_ceil(items);
    let mut problem = normal(op, name, (lists, items));
    let taken: Vec<f64> = values.iter().copied().cycle().take(lists * items).collect();
    problem.inputs[0] = taken;
    problem
}

/// Pairs of items at every difference that a loss may stumble over, as f32 has them, from a place.
fn differences(place: f64) -> Vec<f64> {
    let sizes = [
        0.0, 1e-45, 1e-40, 1.2e-38, 1e-20, 1e-8, 1e-6, 1e-4, 1e-2, 0.1, 0.5, 1.0, 5.0, 10.0, 17.4, 17.6,
        40.0, 80.0, 88.0, 104.0, 1e4, 1e20,
    ];
    let pair = |size: f64| [place, f64::from((place + size) as f32)];
    sizes.iter().flat_map(|&size| [pair(size), pair(-size)]).flatten().collect()
}

/// Lists outside the contract, among good ones.
fn faults<O: ListRow>(op: O) -> Case {
    let (lists, items) = (20, 7);
    let mut problem = ragged(op, "faults", (lists, items), 3);
    let mut status = vec![0; lists];
    let mut length = problem.length.take().expect("made with lengths");
    let mut upstream = problem.upstream.take().expect("made with upstream gradients");
    (upstream[3], status[3]) = (f64::NAN, NAN);
    (upstream[4], status[4]) = (f64::NEG_INFINITY, INFINITE);
    (length[5], status[5]) = (items as u32 + 1, DOMAIN);
    (length[6], status[6]) = (u32::MAX, DOMAIN);
    for (k, array) in problem.inputs.iter_mut().chain(&mut problem.constants).enumerate() {
        // The first item of a list, the last that counts of another.
        (array[(7 + k) * items], status[7 + k]) = (f64::NAN, NAN);
        (array[(13 + k) * items + length[13 + k] as usize - 1], status[13 + k]) = (f64::INFINITY, INFINITE);
    }
    if let Some(rank) = &mut problem.rank {
        for (row, wrong) in [(18, 0), (19, length[19] + 1), (0, rank[1])] {
            (rank[row * items], status[row]) = (wrong, DOMAIN);
        }
    }
    (problem.length, problem.upstream) = (Some(length), Some(upstream));
    Case::new("inputs outside the contract", Fault { problem, status })
}

/// Lists in which one item far behind is outside the contract: a number, or a rank that an item before it has.
fn faults_behind<O: ListRow>(op: O) -> Case {
    let (items, places) = (201, [63, 64, 127, 128, 199, 200]);
    let lists = 2 * places.len();
    let mut problem = normal(op, "faults behind", (lists, items));
    let mut status = vec![0; lists];
    for (row, &place) in places.iter().enumerate() {
        (problem.inputs[0][row * items + place], status[row]) = (f64::NAN, NAN);
        if let Some(rank) = &mut problem.rank {
            let row = places.len() + row;
            // Of the first item, and of the neighbour.
            let tied = if row % 2 == 0 { 0 } else { place - 1 };
            (rank[row * items + place], status[row]) = (rank[row * items + tied], DOMAIN);
        }
    }
    Case::new("items far behind outside the contract", Fault { problem, status })
}

/// One number of each list stands out by more than an exponential spans, in one list for each of the first places.
fn peaks<O: ListRow>(op: O, array: usize) -> Case {
    let (lists, items) = (67, 130);
    let name = format!("peaks in array {array}");
    let mut problem = normal(op, &name, (lists, items));
    if let Some(array) = problem.inputs.iter_mut().chain(&mut problem.constants).nth(array) {
        (0..lists).for_each(|i| array[i * items + i] += 250.0);
    }
    Case::new(name, problem)
}

/// Every array takes the same values in turn, a list for each shift of one against the other.
fn alike<O: ListRow>(op: O, name: &str, values: &[f64]) -> Case {
    let n = values.len();
    let mut problem = normal(op, name, (n, n));
    for (k, array) in problem.inputs.iter_mut().chain(&mut problem.constants).enumerate() {
        let value = |at: usize| values[(at + at / n * k) % n];
        *array = (0..n * n).map(value).collect();
    }
    Case::new(name, problem)
}

/// Where every array is extreme in the same way.
fn everywhere<O: ListRow>(op: O) -> Vec<Case> {
    let next = |x: f32| f64::from(f32::from_bits(x.to_bits() + 1));
    let arrays = O::PLANES.inputs.len() + O::PLANES.constants.len();
    let mut cases: Vec<_> = (0..arrays).map(|array| peaks(op, array)).collect();
    let hair = [1.0, 0.5, next(1.0), next(0.5), -0.5, 1.0, -next(0.5), next(next(1.0) as f32), 0.25];
    cases.push(alike(op, "a hair apart", &hair));
    cases.push(alike(op, "zeros of both signs", &[0.0, -0.0, -0.0, 1.0, 0.0, -1.0, -0.0]));
    cases.push(alike(op, "equal in every array", &[0.5; 5]));
    cases.push(alike(op, "beyond a 16-bit number", &[-1e5, -1.00001e5, -1e5, -1.2e5, -99_999.0]));
    cases
}

/// Lists of all sizes, whole and ragged, in every layout.
fn shapes<O: ListRow>(op: O) -> Vec<Case> {
    let mut cases = Vec::new();
    for shape in [
        (0, 5),
        (5, 0),
        (1, 1),
        (5, 1),
        (70, 2),
        (33, 3),
        (9, 9),
        (3, 63),
        (3, 64),
        (3, 65),
        (2, 257),
        (1, 1024),
    ] {
        let name = format!("{} x {}", shape.0, shape.1);
        cases.push(Case::new(name.clone(), normal(op, &name, shape)));
    }
    // More lists than a small device dispatches in one direction.
    cases.push(Case::tight("ragged", ragged(op, "ragged", (43, 11), 0)));
    cases.push(Case::new("ragged and long", ragged(op, "ragged and long", (5, 300), 0)));
    for (name, layout) in [("interleaved", Layout::Interleaved), ("pitched", Layout::Pitched)] {
        cases.push(Case::new(name, ListProblem { layout, ..ragged(op, name, (9, 8), 0) }));
    }
    cases
}

/// The cases.
pub(super) fn cases<O: ListRow>(op: O) -> Vec<Case> {
    let mut cases = shapes(op);
    for place in [0.0, 3.0, -1e4] {
        let name = format!("pairs at differences from {place}");
        cases.push(Case::new(name.clone(), with_inputs(op, &name, 2, &differences(place))));
    }
    let sets: [(&str, usize, &[f64]); 5] = [
        ("equal scores", 70, &[0.75]),
        ("equal scores far from 0", 9, &[-1e4]),
        ("far apart", 5, &[1e4, -1e4, 0.0, 1.0, -1.0, 1e4, 9_999.0]),
        ("beyond an exponential's range", 4, &[3e38, -3e38, 1e20, 0.0, -1e20, 1.0, 3e38]),
        ("one by one", 67, &[0.0, -0.5, 1.5, -20.0, 8.0, 0.25, -3.0, 2.0, 0.125, -8.0, 0.5]),
    ];
    for (name, items, values) in sets {
        cases.push(Case::new(name, with_inputs(op, name, items, values)));
    }
    cases.extend(everywhere(op));
    cases.extend([faults(op), faults_behind(op)]);
    let part = ListProblem { reduction: Reduction::Mean { over: 1000 }, ..normal(op, "an eighth", (5, 6)) };
    cases.push(Case::new("an eighth of a batch", part));
    let sum = ListProblem { reduction: Reduction::Sum, ..normal(op, "a sum", (5, 6)) };
    cases.push(Case::new("a sum", sum));
    // More lists than one direction of a dispatch holds.
    cases.push(Case::heavy("more than 65,535 workgroups", move |name| ragged(op, name, (66_001, 3), 0)));
    cases
}
