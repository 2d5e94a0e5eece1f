//! Cases of SegmentStats.

use bellwether_core::sig::Reduction;
use bellwether_core::sig::token_rows::Labels;
use bellwether_core::status::{EMPTY_SEGMENT, INFINITE, NAN};
use bellwether_cpu_ref::segment_stats::SegmentOp;

use super::{Case, Draw};
use crate::problem::{BadUpstream, Fault, KeepBy, SegmentProblem, SegmentsBy};

/// Normal values in segments; what is not kept is NaN.
fn normal<O>(op: O, name: &str, segments: SegmentsBy, keep: KeepBy) -> SegmentProblem<O> {
    let mut draw = Draw::of(name);
    let (elements, count) = match &segments {
        SegmentsBy::Padded(count, len) => (count * len, *count),
        SegmentsBy::Packed(offsets) => (offsets.last().map_or(0, |&end| end as usize), offsets.len() - 1),
    };
    let mut values: Vec<f64> = (0..elements).map(|_| draw.normal(3.0) - 2.0).collect();
    for s in 0..count {
        let range = segments.borrow().range(s);
        for i in range.clone().filter(|&i| !keep.borrow().keeps(i, range.end)) {
            values[i] = f64::NAN;
        }
    }
    let upstream = draw.normals(count, 1.0);
    SegmentProblem { op, values, segments, keep, reduction: Reduction::Sum, upstream }
}

fn mask(name: &str, n: usize, kept: f64) -> KeepBy {
    let mut draw = Draw::of(&format!("{name}, mask"));
    KeepBy::Mask((0..n).map(|_| u32::from(draw.unit() < kept)).collect())
}

/// Every lane begins with a large term, and each of the others is too small to be added to it one at a time.
fn small_terms<O: SegmentOp>(op: O) -> Case {
    let name = "small terms after a large one";
    let mut problem = normal(op, name, SegmentsBy::Padded(1, 100_000), KeepBy::All);
    let term = |i| if i < 64 { 1.0 } else { f64::from(1.98 / f32::powi(2.0, 25)) };
    problem.values = (0..100_000).map(term).collect();
    Case::new(name, problem)
}

/// A fault in every lane and in every place of a lane's block, one per segment: none may be lost on its way.
fn scattered_faults<O: SegmentOp>(op: O) -> Case {
    let name = "a fault anywhere";
    let places: Vec<usize> = (0..64).chain((0..17).map(|place| place * 64 + 5)).collect();
    let (count, len) = (places.len(), 1100);
    let mut problem = normal(op, name, SegmentsBy::Padded(count, len), KeepBy::All);
    for (s, place) in places.into_iter().enumerate() {
        problem.values[s * len + place] = f64::NAN;
    }
    Case::new(name, Fault { problem, status: vec![NAN; count] })
}

/// Faults in whole segments, between good ones: gradients are poisoned where the values are.
fn whole_faults<O: SegmentOp>(op: O) -> Case {
    let (name, len) = ("faults in whole segments", 33);
    let mut problem = normal(op, name, SegmentsBy::Padded(5, len), KeepBy::All);
    (problem.values[len + 7], problem.values[3 * len]) = (f64::NAN, f64::INFINITY);
    Case::new(name, Fault { problem, status: vec![0, NAN, 0, INFINITE, 0] })
}

/// Offsets on the device, where no host checks them: a segment that would end before it begins is empty.
fn backwards<O: SegmentOp>(op: O) -> Case {
    let name = "offsets that go back";
    let problem = normal(op, name, SegmentsBy::Packed(vec![0, 7, 5, 31]), KeepBy::All);
    Case::new(name, Fault { problem, status: vec![0, EMPTY_SEGMENT, 0] })
}

/// The cases.
pub(super) fn cases<O: SegmentOp>(op: O) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: &str, segments: SegmentsBy, keep: KeepBy| {
        cases.push(Case::new(name, normal(op, name, segments, keep)));
    };
    add("no segment", SegmentsBy::Padded(0, 5), KeepBy::All);
    for len in [1, 2, 15, 16, 17, 63, 64, 65, 1023, 1024, 1025] {
        add(&format!("length {len}"), SegmentsBy::Padded(3, len), KeepBy::All);
        let name = format!("length {len}, masked");
        add(&name, SegmentsBy::Padded(3, len), mask(&name, 3 * len, 0.6));
    }
    add("length 0", SegmentsBy::Padded(4, 0), KeepBy::All);
    add("all masked", SegmentsBy::Padded(3, 40), KeepBy::Mask(vec![0; 120]));
    add("alternating", SegmentsBy::Padded(2, 41), KeepBy::Mask((0..82).map(|i| i % 2).collect()));
    let ragged = || SegmentsBy::Packed(vec![0, 3, 3, 67, 68, 500, 500]);
    add("ragged", ragged(), KeepBy::All);
    add("ragged, masked", ragged(), mask("ragged, masked", 500, 0.5));
    let labels = Draw::of("labels of the mask").labels(60, 9, 0.4);
    add("labels", SegmentsBy::Padded(6, 10), KeepBy::Labels(labels.clone(), Labels::default()));
    add(
        "labels of the next token",
        SegmentsBy::Padded(6, 10),
        KeepBy::Labels(labels.clone(), Labels::next(10)),
    );
    let uneven = SegmentsBy::Packed(vec![0, 7, 8, 31, 60]);
    add("ragged labels of the next token", uneven, KeepBy::Labels(labels, Labels::next(1)));
    add("long", SegmentsBy::Padded(1, 100_000), KeepBy::All);
    // One workgroup more than segments: it must write nothing.
    add("66001 segments", SegmentsBy::Padded(66_001, 2), KeepBy::All);
    let offsets: Vec<u32> = (0..=66_001).map(|s| s * 3 / 2).collect();
    let words = mask("66001 packed segments, masked", 99_001, 0.6);
    add("66001 packed segments, masked", SegmentsBy::Packed(offsets), words);
    let mut problem = normal(op, "faults", SegmentsBy::Padded(4, 70), mask("faults", 280, 0.8));
    let kept = |s: usize| (s * 70..).find(|&i| problem.keep.borrow().keeps(i, 280)).unwrap_or(0);
    let (nan, infinite) = (kept(1), kept(3));
    (problem.values[nan], problem.values[infinite]) = (f64::NAN, f64::NEG_INFINITY);
    cases
        .push(Case::new("inputs outside the contract", Fault { problem, status: vec![0, NAN, 0, INFINITE] }));
    cases.extend([scattered_faults(op), whole_faults(op), backwards(op)]);
    let mut problem = normal(op, "upstream outside the contract", SegmentsBy::Padded(3, 70), KeepBy::All);
    (problem.upstream[0], problem.upstream[2]) = (f64::INFINITY, f64::NAN);
    let bad = BadUpstream { problem, bad: vec![true, false, true] };
    cases.push(Case::new("upstream outside the contract", bad));
    let name = "many for a small device";
    cases.push(Case::tight(name, normal(op, name, SegmentsBy::Padded(93, 70), mask(name, 93 * 70, 0.6))));
    cases.push(small_terms(op));
    let mean = Reduction::Mean { over: 12 };
    let scaled = SegmentProblem {
        reduction: mean,
        ..normal(op, "scaled", SegmentsBy::Padded(5, 30), mask("scaled", 150, 0.7))
    };
    cases.push(Case::new("scaled", scaled));
    cases
}
