//! Cases of LogitPairs.

mod fused;
mod shapes;
mod stored;
mod ways;

use bellwether_core::Storage;
use bellwether_core::logprob::{Kl, Token};
use bellwether_core::sig::token_rows::Labels;
use bellwether_core::status::{EMPTY_SUPPORT, INFINITE, LABEL_RANGE, NAN};
use bellwether_cpu_ref::logit_pairs::PairRow;

use super::{Case, Draw};
use crate::problem::{Fault, LogitPairProblem};

const NEG_INF: f64 = f64::NEG_INFINITY;

/// The cases of one operator.
struct Suite<O> {
    op: O,
    /// Begins the names of cases.
    prefix: String,
    /// Whether it overflows where log-ratios are large.
    overflows: bool,
    /// How logits stand in memory.
    storage: Storage,
}

impl<O: PairRow> Suite<O> {
    /// A number that is near the largest of the storage.
    fn largest(&self) -> f64 {
        // The largest half-precision number is 65504.
        if self.storage == Storage::F16 { 60_000.0 } else { f64::from(1e30_f32) }
    }

    /// Normal logits, random labels, every upstream gradient that the operator has.
    fn normal(&self, name: &str, n: usize, v: usize, deviation: f64) -> LogitPairProblem<O> {
        let mut draw = Draw::of(&format!("{}{name}", self.prefix));
        let has = |i: usize| i < O::UPSTREAM.len();
        LogitPairProblem {
            op: self.op,
            rules: Labels::default(),
            v,
            gaps: [0, 0],
            logits: draw.normals(n * v, deviation),
            ref_logits: draw.normals(n * v, deviation),
            labels: draw.labels(n, v, 0.0),
            upstream: core::array::from_fn(|i| has(i).then(|| draw.normals(n, 1.0))),
            storage: self.storage,
            mask: None,
            in_place: false,
        }
    }

    /// Rows with logits `f(row, column)` of policy and reference, labels at the last and the first index.
    fn shaped(
        &self,
        name: &str,
        (n, v): (usize, usize),
        f: impl Fn(&mut Draw, usize, usize) -> (f64, f64),
    ) -> LogitPairProblem<O> {
        let mut problem = self.normal(name, n, v, 1.0);
        let mut draw = Draw::of(&format!("{}{name}, logits", self.prefix));
        let both: Vec<_> = (0..n * v).map(|at| f(&mut draw, at / v, at % v)).collect();
        (problem.logits, problem.ref_logits) = both.into_iter().unzip();
        problem.labels = (0..n).map(|i| if i % 2 == 0 { v as i32 - 1 } else { 0 }).collect();
        problem
    }

    /// Rows that do not count hold what must not be read.
    fn padded(&self, name: &str, filler: f64) -> LogitPairProblem<O> {
        let mut problem = self.normal(name, 12, 67, 2.0);
        for row in [0, 3, 4, 11] {
            problem.labels[row] = -100;
            problem.logits[row * 67..][..67].fill(filler);
            problem.ref_logits[row * 67..][..67].fill(filler);
        }
        problem
    }

    /// Rows with inputs outside the contract, in either matrix, among good ones.
    fn faults(&self) -> Case {
        let (v, mut problem) = (70, self.normal("faults", 12, 70, 2.0));
        let mut status = vec![0; 12];
        for (row, column, x, said) in
            [(1, 69, f64::NAN, NAN), (2, 0, f64::INFINITY, INFINITE), (4, 33, -f64::NAN, NAN)]
        {
            problem.logits[row * v + column] = x;
            problem.ref_logits[(row + 6) * v + column] = x;
            (status[row], status[row + 6]) = (said, said);
        }
        problem.logits[v * 5..][..v].fill(NEG_INF);
        problem.ref_logits[v * 11..][..v].fill(NEG_INF);
        (status[5], status[11]) = (EMPTY_SUPPORT, EMPTY_SUPPORT);
        (problem.labels[6], problem.labels[9]) = (v as i32, -5);
        (status[6], status[9]) = (LABEL_RANGE, LABEL_RANGE);
        Case::new("inputs outside the contract", Fault { problem, status })
    }

    /// Only the upstream plane `i`.
    fn only(&self, i: usize) -> Case {
        let name = format!("upstream {} only", O::UPSTREAM[i]);
        let mut problem = self.normal(&name, 6, 90, 2.0);
        for (j, plane) in problem.upstream.iter_mut().enumerate() {
            if i != j {
                *plane = None;
            }
        }
        Case::new(name, problem)
    }
}

/// Sizes, paddings, label rules and gaps.
fn sizes<O: PairRow>(s: &Suite<O>) -> Vec<Case> {
    let mut cases = vec![s.faults(), Case::new("empty batch", s.normal("empty batch", 0, 8, 1.0))];
    for v in [1, 2, 3, 63, 64, 65, 127, 1021, 4097] {
        let name = format!("v = {v}");
        cases.push(Case::new(&*name, s.normal(&name, 5, v, 2.0)));
    }
    for (name, filler) in [("padding NaN", f64::NAN), ("padding infinite", f64::INFINITY)] {
        cases.push(Case::new(name, s.padded(name, filler)));
    }
    let mut all_ignored = s.normal("all ignored", 9, 33, 1.0);
    all_ignored.labels.fill(-100);
    all_ignored.logits.fill(f64::NAN);
    all_ignored.ref_logits.fill(f64::NAN);
    cases.push(Case::new("all ignored", all_ignored));
    let mut shifted = s.normal("labels of the next token", 21, 40, 2.0);
    shifted.rules = Labels::next(7);
    for row in [6, 13, 20] {
        shifted.ref_logits[row * 40..][..40].fill(f64::NAN);
    }
    shifted.labels[9] = -100;
    shifted.logits[8 * 40..][..40].fill(f64::NAN);
    cases.push(Case::new("labels of the next token", shifted));
    let gaps = LogitPairProblem { gaps: [3, 70], ..s.normal("gaps between rows", 5, 70, 2.0) };
    cases.push(Case::new("gaps between rows", gaps));
    cases
}

impl<O: PairRow> Suite<O> {
    fn cases(&self) -> Vec<Case> {
        let shapes = shapes::of(self);
        let mut cases = sizes(self);
        cases.extend(shapes.map(|(name, problem)| Case::new(name, problem)));
        cases.extend((0..O::UPSTREAM.len()).map(|i| self.only(i)));
        for case in &mut cases {
            case.name = format!("{}{}", self.prefix, case.name);
        }
        cases
    }

    /// Cases that are the same for every setting of an operator.
    fn large(&self) -> Vec<Case> {
        vec![
            Case::new("v = 151936", self.normal("v = 151936", 2, 151_936, 2.0)),
            Case::new("66000 rows", self.normal("66000 rows", 66_000, 3, 1.0)),
            Case::tight(
                "windows of rows",
                LogitPairProblem { gaps: [3, 70], ..self.normal("windows of rows", 230, 181, 2.0) },
            ),
            Case::tight(
                "windows of rows, in place",
                LogitPairProblem {
                    gaps: [3, 70],
                    in_place: true,
                    mask: Some((0..230).map(|i| i % 7).collect()),
                    ..self.normal("windows of rows, in place", 230, 181, 2.0)
                },
            ),
        ]
    }
}

/// The cases of [`Kl`].
pub(super) fn kl() -> Vec<Case> {
    let mut cases = settings(&[("", Kl::default(), false)]);
    let plain = Suite { op: Kl::default(), prefix: String::new(), overflows: false, storage: Storage::F32 };
    for temperature in [0.7, 1.3, 8.0] {
        let name = format!("temperature {temperature}");
        let problem =
            LogitPairProblem { op: Kl::of(Token::at(temperature)), ..plain.normal(&name, 4, 75, 3.0) };
        cases.push(Case::new(name, problem));
    }
    cases.push(Case::heavy("beyond one binding", move |name| plain.normal(name, 9001, 4099, 1.0)));
    cases
}

/// A setting of an operator: what its cases' names begin with, and whether it overflows where log-ratios are large.
pub(super) type Setting<'a, O> = (&'a str, O, bool);

/// The cases of a divergence in several settings, each in every storage.
pub(super) fn settings<O: PairRow>(settings: &[Setting<'_, O>]) -> Vec<Case> {
    let mut cases = Vec::new();
    for (at, &(prefix, op, overflows)) in settings.iter().enumerate() {
        for storage in Storage::ALL {
            let name = if storage == Storage::F32 { "" } else { storage.name() };
            let prefix = format!("{prefix}{name}{}", if name.is_empty() { "" } else { ", " });
            let suite = Suite { op, prefix, overflows, storage };
            cases.extend(suite.cases());
            cases.extend(stored::of(&suite));
            cases.extend(ways::of(&suite, at == 0));
        }
        if prefix.is_empty() {
            let suite = Suite { op, prefix: String::new(), overflows, storage: Storage::F32 };
            cases.extend(suite.large());
            cases.extend(fused::of(op));
        }
    }
    cases
}
