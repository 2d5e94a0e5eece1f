//! Cases of PolicyRows, for every operator.

use bellwether_core::policy::{Aggregate, Level, PolicyLoss};
use bellwether_core::sig::Reduction;
use bellwether_core::status::{INFINITE, NAN};
use bellwether_cpu_ref::policy_rows::SurrogateRow;

use super::{Case, Draw};
use crate::problem::{Fault, Layout, PolicyProblem};

/// All arrays that are not optional, and the sampling policy: log-ratios of either sign within and beyond every clip,
/// advantages of either sign per sequence, some of them 0.
pub(crate) fn normal<S: SurrogateRow>(
    surrogate: S,
    name: &str,
    (rows, len): (usize, usize),
) -> PolicyProblem<S> {
    let mut draw = Draw::of(name);
    let n = rows * len;
    let logp: Vec<f64> = (0..n).map(|_| draw.uniform(-5.0, -0.01)).collect();
    let old_logp = logp.iter().map(|x| f64::from((x + draw.normal(0.4)) as f32)).collect();
    let advantage = (0..rows).map(|i| if i % 5 == 3 { 0.0 } else { draw.normal(1.0) }).collect();
    PolicyProblem {
        loss: PolicyLoss::new(surrogate),
        rows,
        len,
        logp,
        old_logp: Some(old_logp),
        ref_logp: None,
        advantage,
        weight: None,
        mask: None,
        upstream: None,
        reduction: Reduction::Mean { over: u32::try_from(rows).unwrap_or(u32::MAX).max(1) },
        layout: Layout::default(),
    }
}

/// Everything there is: a reference, a weight and an advantage per token, a mask and upstream gradients. What does not
/// count is NaN.
pub(crate) fn whole<S: SurrogateRow>(
    surrogate: S,
    name: &str,
    shape: (usize, usize),
    kept: f64,
) -> PolicyProblem<S> {
    let mut problem = normal(surrogate, name, shape);
    let (mut draw, n) = (Draw::of(&format!("{name}, mask")), shape.0 * shape.1);
    problem.loss.beta = 0.1;
    problem.ref_logp = Some(problem.logp.iter().map(|x| f64::from((x + draw.normal(0.5)) as f32)).collect());
    problem.advantage = (0..n).map(|i| if i % 7 == 2 { 0.0 } else { draw.normal(1.0) }).collect();
    problem.weight = Some((0..n).map(|i| if i % 6 == 1 { 0.0 } else { draw.uniform(0.1, 2.0) }).collect());
    problem.upstream = Some((0..shape.0).map(|i| if i == 1 { 0.0 } else { draw.normal(2.0) }).collect());
    let mask: Vec<u32> = (0..n).map(|i| if draw.unit() < kept { 1 + i as u32 % 3 } else { 0 }).collect();
    per_token(&mut problem).for_each(|array| {
        array.iter_mut().zip(&mask).filter(|(_, word)| **word == 0).for_each(|(x, _)| *x = f64::NAN);
    });
    PolicyProblem { mask: Some(mask), ..problem }
}

/// Every array of numbers per token.
pub(crate) fn per_token<S: SurrogateRow>(p: &mut PolicyProblem<S>) -> impl Iterator<Item = &mut Vec<f64>> {
    let advantage = (p.advantage.len() == p.logp.len()).then_some(&mut p.advantage);
    let optional = p.old_logp.iter_mut().chain(&mut p.ref_logp).chain(&mut p.weight);
    std::iter::once(&mut p.logp).chain(advantage).chain(optional)
}

/// Every level and both kinds of rows' losses, with all arrays.
fn compositions<S: SurrogateRow>(surrogate: S) -> Vec<Case> {
    let levels = [
        ("token", Level::Token),
        ("sequence", Level::Sequence),
        ("sequence token", Level::SequenceToken),
        ("sequence sum", Level::SequenceSum),
    ];
    let mut cases = Vec::new();
    for (what, level) in levels {
        for (rule, aggregate, corrected) in
            [("mean", Aggregate::SequenceMean, false), ("sum", Aggregate::TokenMean, true)]
        {
            let name = format!("{what}, {rule}");
            let plain = whole(surrogate, &name, (12, 9), 0.7);
            let loss = PolicyLoss { level, aggregate, corrected, ..plain.loss };
            cases.push(Case::new(name, PolicyProblem { loss, ..plain }));
            let name = format!("{what}, {rule}, long");
            let plain = normal(surrogate, &name, (3, 1_300));
            let loss = PolicyLoss { level, aggregate, ..plain.loss };
            cases.push(Case::new(name, PolicyProblem { loss, ..plain }));
        }
    }
    cases
}

/// Sequences of one token at every log-ratio that a surrogate may stumble over, for advantages of each sign.
fn ratios<S: SurrogateRow>(surrogate: S, level: Level) -> PolicyProblem<S> {
    // Also both sides of the ends of clips; the ends themselves are no numbers of f32.
    let sizes = [
        0.0, 1e-45, 1.2e-38, 1e-20, 1e-8, 1e-6, 1e-4, 1e-2, 0.18, 0.19, 0.22, 0.23, 0.39, 0.41, 0.5, 1.0,
        1.6, 1.62, 2.0, 5.0, 10.0, 17.4, 17.6, 18.3, 18.5, 19.9, 20.1, 40.0, 79.0, 81.0, 88.0, 104.0, 1e4,
        1e20,
    ];
    let log_ratios: Vec<f64> =
        sizes.iter().flat_map(|&x: &f64| [f64::from(x as f32), -f64::from(x as f32)]).collect();
    let (n, signs) = (log_ratios.len(), [1.5, -0.75, 0.0]);
    let rows = n * signs.len();
    let plain = normal(surrogate, &format!("log-ratios at level {}", level.code()), (rows, 1));
    PolicyProblem {
        loss: PolicyLoss { level, ..plain.loss },
        logp: log_ratios.iter().copied().cycle().take(rows).collect(),
        old_logp: Some(vec![0.0; rows]),
        advantage: (0..rows).map(|i| signs[i / n]).collect(),
        ..plain
    }
}

/// Sequences of two tokens whose log-ratios lie far apart, and whose sum does not unless each is cut.
fn cancelling<S: SurrogateRow>(surrogate: S) -> PolicyProblem<S> {
    let pairs = [[25.0, -20.0], [-25.0, 20.0], [21.0, -20.5], [40.0, -38.0], [0.5, -0.25], [-0.5, 0.25]];
    let plain = normal(surrogate, "log-ratios that cancel", (pairs.len(), 2));
    PolicyProblem {
        loss: PolicyLoss { level: Level::SequenceSum, ..plain.loss },
        logp: pairs.concat(),
        old_logp: Some(vec![0.0; 2 * pairs.len()]),
        ..plain
    }
}

/// Rows outside the contract, among good ones.
fn faults<S: SurrogateRow>(surrogate: S) -> Case {
    let (rows, len) = (14, 7);
    let mut problem = whole(surrogate, "faults", (rows, len), 2.0);
    let mut status = vec![0; rows];
    if let Some(upstream) = &mut problem.upstream {
        (upstream[0], status[0]) = (f64::NAN, NAN);
        (upstream[1], status[1]) = (f64::NEG_INFINITY, INFINITE);
    }
    // The first token of a row, the last of another.
    for (k, array) in per_token(&mut problem).enumerate() {
        (array[(2 + k) * len], status[2 + k]) = (f64::NAN, NAN);
        (array[(8 + k) * len + len - 1], status[8 + k]) = (f64::INFINITY, INFINITE);
    }
    Case::new("inputs outside the contract", Fault { problem, status })
}

/// The cases.
pub(super) fn cases<S: SurrogateRow>(surrogate: S) -> Vec<Case> {
    let mut cases = compositions(surrogate);
    for shape in [(0, 5), (5, 0), (1, 1), (70, 2), (5, 63), (5, 64), (5, 65), (2, 1_025)] {
        let name = format!("{} x {}", shape.0, shape.1);
        cases.push(Case::new(name.clone(), normal(surrogate, &name, shape)));
    }
    for (name, kept) in [("mostly masked", 0.15), ("all masked", -1.0), ("none masked", 2.0)] {
        cases.push(Case::new(name, whole(surrogate, name, (20, 5), kept)));
    }
    for (name, layout) in [("interleaved", Layout::Interleaved), ("pitched", Layout::Pitched)] {
        cases.push(Case::new(name, PolicyProblem { layout, ..whole(surrogate, name, (9, 8), 0.6) }));
    }
    for level in [Level::Token, Level::Sequence] {
        cases.push(Case::new(format!("log-ratios, level {}", level.code()), ratios(surrogate, level)));
    }
    cases.push(Case::new("log-ratios that cancel", cancelling(surrogate)));
    let name = "no sampling policy";
    cases.push(Case::new(name, PolicyProblem { old_logp: None, ..normal(surrogate, name, (6, 5)) }));
    let name = "a reference that only is told of";
    let mut told = whole(surrogate, name, (6, 5), 0.8);
    told.loss.beta = 0.0;
    cases.push(Case::new(name, told));
    cases.push(faults(surrogate));
    let name = "many for a small device";
    cases.push(Case::tight(name, whole(surrogate, name, (93, 7), 0.6)));
    let part = Reduction::Mean { over: 1000 };
    cases.push(Case::new(
        "an eighth of a batch",
        PolicyProblem { reduction: part, ..normal(surrogate, "an eighth", (5, 6)) },
    ));
    // More rows than one direction of a dispatch holds.
    cases.push(Case::heavy("more than 65,535 workgroups", move |name| normal(surrogate, name, (66_001, 2))));
    cases
}
