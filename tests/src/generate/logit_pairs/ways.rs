//! Rows scaled and capped, rows that a mask leaves out, gradients over the logits.

use bellwether_core::Storage;
use bellwether_core::logprob::Token;
use bellwether_core::sig::token_rows::Labels;
use bellwether_cpu_ref::logit_pairs::PairRow;

use super::super::{Case, Draw};
use super::{NEG_INF, Suite};
use crate::problem::LogitPairProblem;

/// Problems and their names.
type Named<O> = Vec<(&'static str, LogitPairProblem<O>)>;

/// The cases of a suite; those of masks and places are the same for every setting of an operator.
pub(super) fn of<O: PairRow>(s: &Suite<O>, first: bool) -> Vec<Case> {
    let mut problems = Vec::new();
    if first || s.storage == Storage::F32 {
        problems.extend(capped(s));
    }
    if first {
        problems.extend(masked(s).into_iter().chain(in_place(s)));
    }
    let named = |(name, problem)| Case::new(format!("{}{name}", s.prefix), problem);
    problems.into_iter().map(named).collect()
}

/// Both rows scaled and capped, with tokens that either bans: their gradients have the slope at 0.
fn capped<O: PairRow>(s: &Suite<O>) -> Named<O> {
    let tries = [
        ("logit_scale 0.5", Token { logit_scale: 0.5, ..Token::at(0.7) }, 3.0),
        ("softcap 30", Token { softcap: 30.0, ..Token::default() }, 20.0),
        ("softcap 1, everything capped", Token { softcap: 1.0, ..Token::default() }, 40.0),
        (
            "softcap 50, scale 2, temperature 1.3",
            Token { softcap: 50.0, logit_scale: 2.0, temperature: 1.3 },
            30.0,
        ),
    ];
    let v = 140;
    let made = |(name, token, deviation): (&'static str, Token, f64)| {
        let plain = s.normal(name, 8, v, deviation);
        let mut problem = LogitPairProblem { op: s.op.with_token(token), ..plain };
        (problem.logits[3], problem.ref_logits[3]) = (NEG_INF, NEG_INF);
        (problem.logits[v], problem.ref_logits[v + 1]) = (1e-30, s.largest());
        // Banned by one row alone, where that makes no divergence infinite that a gradient is asked of.
        problem.logits[2 * v + 9] = NEG_INF;
        problem.ref_logits[3 * v + 11] = NEG_INF;
        problem.labels[5] = 139;
        problem.logits[5 * v + 139] = NEG_INF;
        problem.ref_logits[5 * v + 139] = NEG_INF;
        (name, problem)
    };
    let mut problems: Named<O> = tries.into_iter().map(made).collect();
    let (name, token) =
        ("1e-4 apart, softcap 5", Token { softcap: 5.0, logit_scale: 1.5, temperature: 0.75 });
    let near = s.shaped(name, (4, 300), |d, _, _| {
        let x = d.normal(2.0);
        (x, f64::from((x + d.uniform(-1e-4, 1e-4)) as f32))
    });
    problems.push((name, LogitPairProblem { op: s.op.with_token(token), ..near }));
    problems
}

/// What a mask leaves out holds what must not be read, and a label that no column has.
fn masked<O: PairRow>(s: &Suite<O>) -> Named<O> {
    let mut problem = LogitPairProblem { gaps: [2, 3], ..s.normal("a mask", 12, 90, 2.0) };
    problem.mask = Some((0..12).map(|i| i % 3).collect());
    for row in (0..12).filter(|i| i % 3 == 0) {
        problem.logits[row * 90..][..90].fill(f64::NAN);
        problem.ref_logits[row * 90..][..90].fill(f64::INFINITY);
        problem.labels[row] = 1 << 20;
    }
    let mut shifted = s.normal("a mask and labels of the next token", 12, 30, 2.0);
    shifted.rules = Labels::next(4);
    shifted.mask = Some((0..12).map(|i| i32::from(i != 5)).collect());
    vec![("a mask", problem), ("a mask and labels of the next token", shifted)]
}

/// Gradients over the logits: rows that share words, gaps, rows that do not count, infinite divergences.
fn in_place<O: PairRow>(s: &Suite<O>) -> Named<O> {
    let shapes = [
        ("in place, v = 1", 1, [0, 0]),
        ("in place, v = 7", 7, [0, 1]),
        ("in place, v = 64", 64, [0, 0]),
        ("in place, v = 65", 65, [1, 0]),
        ("in place, v = 1021", 1021, [2, 3]),
    ];
    let made = |(name, v, gaps): (&'static str, usize, [usize; 2])| {
        let mut problem = LogitPairProblem { gaps, in_place: true, ..s.normal(name, 7, v, 3.0) };
        for row in [1, 4] {
            problem.labels[row] = -100;
            problem.logits[row * v..][..v].fill(f64::NAN);
        }
        (name, problem)
    };
    let mut problems: Named<O> = shapes.into_iter().map(made).collect();
    let mut draw = Draw::of(&format!("{}in place, banned", s.prefix));
    let mut banned = s.normal("in place, banned and masked", 9, 131, 2.0);
    for (at, x) in banned.logits.iter_mut().enumerate().filter(|(at, _)| at / 131 == 3) {
        *x = if at % 2 == 0 { NEG_INF } else { draw.normal(1.0) };
    }
    banned.ref_logits[5 * 131 + 7] = NEG_INF;
    banned.mask = Some((0..9).map(|i| i32::from(i != 6)).collect());
    problems.push(("in place, banned and masked", LogitPairProblem { in_place: true, ..banned }));
    problems
}
