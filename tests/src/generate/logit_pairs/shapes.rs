//! Two rows of logits and what they have in common.

use bellwether_core::Storage;
use bellwether_core::sig::logit_pairs::UPSTREAM;
use bellwether_cpu_ref::logit_pairs::PairRow;

use super::super::Draw;
use super::{NEG_INF, Suite};
use crate::problem::LogitPairProblem;

/// Problems and their names.
type Named<O> = Vec<(&'static str, LogitPairProblem<O>)>;

/// Every shape.
pub(super) fn of<O: PairRow>(s: &Suite<O>) -> impl Iterator<Item = (&'static str, LogitPairProblem<O>)> {
    // In 16 bits the row says nothing new, and its reference takes seconds.
    let long = |name: &str| s.storage != Storage::F32 && name == "long tail";
    alike(s).into_iter().chain(unlike(s)).chain(banned(s)).filter(move |(name, _)| !long(name))
}

/// How near each other two rows are, and what else they have in common.
fn alike<O: PairRow>(s: &Suite<O>) -> Named<O> {
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
fn unlike<O: PairRow>(s: &Suite<O>) -> Named<O> {
    let peak = |at: usize, j: usize, size: f64| if j == at { size } else { 0.0 };
    let big = s.largest();
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
        ("confident label", confident),
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
fn banned<O: PairRow>(s: &Suite<O>) -> Named<O> {
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
