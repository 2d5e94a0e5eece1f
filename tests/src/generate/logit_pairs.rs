//! Cases of LogitPairs.

use bellwether_core::logprob::Kl;
use bellwether_core::sig::logit_pairs::UPSTREAM;
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
}

impl<O: PairRow> Suite<O> {
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

/// How near each other two rows are, and what else they have in common.
fn alike<O: PairRow>(s: &Suite<O>) -> Vec<(&'static str, LogitPairProblem<O>)> {
    // Multiples of 1/512, so that shifts are exact.
    let grid = |d: &mut Draw| (d.normal(2.0) * 512.0).round() / 512.0;
    let twice = |x: f64| (x, x);
    let ulp = |x: f64, j: usize| f64::from(f32::from_bits((x as f32).to_bits() + (j % 3) as u32));
    let mut one_apart = s.shaped("equal but for one logit", (3, 70), |d, _, _| twice(grid(d)));
    one_apart.logits[5] += 4.0;
    // Both normalisers are nearly 1, so that the bound is that of the tokens alone.
    let tails = s.shaped("nearly equal tails", (4, 200), |d, _, j| {
        let x = d.normal(1.0) - 14.0;
        if j == 7 { (0.0, 0.0) } else { (x, f64::from((x + d.normal(1e-3)) as f32)) }
    });
    vec![
        ("equal rows", s.shaped("equal rows", (3, 131), |d, _, _| twice(d.normal(3.0)))),
        (
            "equal up to a shift",
            s.shaped("equal up to a shift", (3, 131), |d, _, _| {
                let x = grid(d);
                (x, x + 256.0)
            }),
        ),
        (
            "one unit apart",
            s.shaped("one unit apart", (3, 131), |d, _, j| {
                let x = d.normal(2.0);
                (x, ulp(x, j))
            }),
        ),
        (
            "1e-4 apart",
            s.shaped("1e-4 apart", (4, 300), |d, _, _| {
                let x = grid(d);
                (x, f64::from((x + d.uniform(-1e-4, 1e-4)) as f32))
            }),
        ),
        (
            "0.1 apart",
            s.shaped("0.1 apart", (4, 300), |d, _, _| {
                let x = grid(d);
                (x, f64::from((x + d.normal(0.1)) as f32))
            }),
        ),
        ("equal but for one logit", one_apart),
        ("nearly equal tails", tails),
    ]
}

/// Rows of unlike shapes and sizes.
fn unlike<O: PairRow>(s: &Suite<O>) -> Vec<(&'static str, LogitPairProblem<O>)> {
    let peak = |at: usize, j: usize, size: f64| if j == at { size } else { 0.0 };
    let big = f64::from(1e30_f32);
    let mut confident = s.shaped("confident label", (4, 64), |d, row, j| {
        let label = if row % 2 == 0 { 63 } else { 0 };
        if j == label { (15.0, 14.0) } else { (-1.0, d.normal(1.0)) }
    });
    confident.upstream[1..].fill(None);
    let extremes = s.shaped("extremes 1e30", (4, 66), |_, row, j| {
        let of = |k: usize| if (j + row) % k == 0 { big } else { -big };
        (of(3), of(2))
    });
    let mut cases = vec![
        ("extremes 1e30", extremes),
        ("peaks apart", s.shaped("peaks apart", (4, 65), |_, _, j| (peak(64, j, 20.0), peak(3, j, 20.0)))),
        (
            "peaks far apart",
            s.shaped("peaks far apart", (4, 65), |_, _, j| (peak(64, j, 90.0), peak(3, j, 60.0))),
        ),
        (
            "one peak in common",
            s.shaped("one peak in common", (4, 65), |_, _, j| (peak(7, j, 12.0), peak(7, j, 9.0))),
        ),
        ("scale 40", s.normal("scale 40", 4, 333, 40.0)),
        (
            "common shift",
            s.shaped("common shift", (4, 99), |d, _, _| (d.normal(2.0) + 2e4, d.normal(2.0) - 2e4)),
        ),
        (
            "rising and falling",
            s.shaped("rising and falling", (2, 2049), |_, _, j| (j as f64 / 16.0, -(j as f64) / 16.0)),
        ),
        (
            "rising both",
            s.shaped("rising both", (2, 2049), |d, _, j| (j as f64 / 16.0, j as f64 / 16.0 + d.normal(1.0))),
        ),
        (
            "every lane its own scale",
            s.shaped("every lane its own scale", (2, 1024), |d, _, j| {
                (((j % 64) as f64 - 32.0) * 8.0, d.normal(2.0))
            }),
        ),
        (
            "extremes 1e30 in common",
            s.shaped("extremes 1e30 in common", (4, 66), |d, row, j| {
                let x = if (j + row) % 3 == 0 { d.normal(1.0) } else { -big };
                (x, if x < -1.0e3 { x } else { d.normal(1.0) })
            }),
        ),
        (
            "long tail",
            s.shaped("long tail", (2, 100_001), |d, _, j| {
                if j == 17 { (0.0, 1.0) } else { (-9.0, -9.0 + d.normal(0.5)) }
            }),
        ),
    ];
    // Beyond f64 too: there is no gradient to hold to.
    let beyond = ["extremes 1e30", "every lane its own scale"];
    for (_, problem) in cases.iter_mut().filter(|(name, _)| s.overflows && beyond.contains(name)) {
        problem.upstream = [const { None }; UPSTREAM];
    }
    cases
}

/// Banned tokens: of both rows, or of either.
fn banned<O: PairRow>(s: &Suite<O>) -> Vec<(&'static str, LogitPairProblem<O>)> {
    let ban = |x: f64, banned: bool| if banned { NEG_INF } else { x };
    let both = |d: &mut Draw, gone: bool| (ban(d.normal(2.0), gone), ban(d.normal(2.0), gone));
    let mut label = s.shaped("banned label", (4, 70), |d, _, j| both(d, j == 69));
    label.labels = vec![69, 3, 69, 69];
    let mut cases = vec![
        ("banned by both", s.shaped("banned by both", (4, 131), |d, _, j| both(d, j % 5 == 2))),
        ("one token allowed", s.shaped("one token allowed", (3, 131), |d, _, j| both(d, j != 0 && j != 130))),
        ("whole lanes banned", s.shaped("whole lanes banned", (2, 1030), |d, _, j| both(d, j % 64 < 40))),
        ("banned label", label),
    ];
    for (name, by_policy, by_reference) in [
        ("banned by the policy", true, false),
        ("banned by the reference", false, true),
        ("disjoint", true, true),
    ] {
        let mut problem = s.shaped(name, (4, 131), |d, _, j| {
            let (p, q) = (by_policy && j % 2 == 0, by_reference && j % 2 == 1);
            (ban(d.normal(2.0), p), ban(d.normal(2.0), q))
        });
        problem.labels = vec![1, 0, 130, 129];
        cases.push((name, problem));
    }
    cases
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
        let shapes = alike(self).into_iter().chain(unlike(self)).chain(banned(self));
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
        ]
    }
}

/// The cases of [`Kl`].
pub(super) fn kl() -> Vec<Case> {
    let suite = |op| Suite { op, prefix: String::new(), overflows: false };
    let plain = suite(Kl::default());
    let mut cases = plain.cases();
    cases.extend(plain.large());
    for temperature in [0.7, 1.3, 8.0] {
        let name = format!("temperature {temperature}");
        let problem = suite(Kl { temperature }).normal(&name, 4, 75, 3.0);
        cases.push(Case::new(name, problem));
    }
    cases.push(Case::heavy("beyond one binding", move |name| {
        suite(Kl::default()).normal(name, 9001, 4099, 1.0)
    }));
    cases
}

/// A setting of an operator: what its cases' names begin with, and whether it overflows where log-ratios are large.
pub(super) type Setting<'a, O> = (&'a str, O, bool);

/// The cases of a divergence in several settings.
pub(super) fn settings<O: PairRow>(settings: &[Setting<'_, O>]) -> Vec<Case> {
    let mut cases = Vec::new();
    for &(prefix, op, overflows) in settings {
        let suite = Suite { op, prefix: prefix.to_owned(), overflows };
        cases.extend(suite.cases());
        if prefix.is_empty() {
            cases.extend(suite.large());
        }
    }
    cases
}
