//! Cases of PairRows, for every link.

use bellwether_core::pair::{Length, PairLoss, Score};
use bellwether_core::sig::Reduction;
use bellwether_core::status::{INFINITE, NAN};
use bellwether_cpu_ref::pair_rows::PairLink;

use super::{Case, Draw, pair_extras};
use crate::problem::{Fault, PairProblem, Pinned};

/// The plain composition: links on log-probabilities take no reference.
pub(super) fn plain<L: PairLink>(link: L) -> PairLoss<L> {
    PairLoss { reference_free: L::LOG_PROBABILITY, ..PairLoss::new(0.1, link) }
}

/// Log-probabilities of responses of 5 to 200 tokens.
pub(super) fn normal<L: PairLink>(link: L, name: &str, n: usize) -> PairProblem<L> {
    let mut draw = Draw::of(name);
    let mut side = || -> Vec<f64> { (0..n).map(|_| draw.uniform(-300.0, -5.0)).collect() };
    let (chosen, rejected) = (side(), side());
    let near =
        |xs: &[f64], draw: &mut Draw| xs.iter().map(|x| f64::from((x + draw.normal(4.0)) as f32)).collect();
    let logps = [chosen.clone(), rejected.clone(), near(&chosen, &mut draw), near(&rejected, &mut draw)];
    let lengths = [0, 1].map(|_| (0..n).map(|_| 1.0 + draw.below(200) as f64).collect());
    PairProblem { lengths: Some(lengths), ..PairProblem::new(plain(link), logps) }
}

/// Every combination of two log-ratios from a list, references zero.
pub(super) fn grid<L: PairLink>(link: L, beta: f64, ratios: &[f64]) -> PairProblem<L> {
    let pairs = || ratios.iter().flat_map(|&a| ratios.iter().map(move |&b| (a, b)));
    let zero = vec![0.0; ratios.len() * ratios.len()];
    let logps = [pairs().map(|p| p.0).collect(), pairs().map(|p| p.1).collect(), zero.clone(), zero];
    PairProblem::new(PairLoss { beta, ..plain(link) }, logps)
}

/// Log-ratios around everything that a link may stumble over.
const RATIOS: [f64; 21] = [
    0.0, 1e-30, -1e-30, 1e-4, -1e-4, 0.5, -0.5, 1.0, -1.0, 5.0, -5.0, 10.0, -10.0, 20.0, -20.0, 88.0, -88.0,
    104.0, -104.0, 1e4, -1e4,
];

/// Log-probabilities around everything that a link on them may stumble over; a chosen one may be 0.
const LOGPS: [f64; 14] = [
    -1e-30,
    -1e-20,
    -1e-10,
    -1e-8,
    -1e-4,
    -0.1,
    -0.5,
    -std::f64::consts::LN_2,
    -1.0,
    -5.0,
    -20.0,
    -88.0,
    -104.0,
    -1e4,
];

/// The numbers to try a link with.
pub(super) fn hard<L: PairLink>() -> Vec<f64> {
    let numbers = if L::LOG_PROBABILITY { &LOGPS[..] } else { &RATIOS };
    numbers.iter().map(|&x| f64::from(x as f32)).collect()
}

/// Equal rewards are no success: `accuracy` is strict.
fn ties<L: PairLink>(link: L) -> Case {
    let mut problem = normal(link, "ties", 20);
    for i in 0..20 {
        let [chosen, rejected, ref_chosen, ref_rejected] = &mut problem.logps;
        (rejected[i], ref_rejected[i]) = (chosen[i], ref_chosen[i]);
    }
    Case::new("ties", Pinned { problem, exact: vec![("margin", vec![0.0; 20]), ("accuracy", vec![0.0; 20])] })
}

/// Pairs with inputs outside the contract, among good ones.
fn faults<L: PairLink>(link: L) -> Case {
    let mut problem = normal(link, "faults", 9);
    problem.loss.length = Length::TokenMean;
    let [chosen, rejected, ref_chosen, ref_rejected] = &mut problem.logps;
    (chosen[1], rejected[2], ref_chosen[3], ref_rejected[4]) =
        (f64::NAN, f64::NEG_INFINITY, f64::INFINITY, f64::NAN);
    if let Some([chosen_len, rejected_len]) = &mut problem.lengths {
        (chosen_len[6], rejected_len[7]) = (0.0, f64::NAN);
    }
    // Finite numbers whose difference is not.
    (chosen[8], ref_chosen[8]) = (3e38_f32.into(), (-3e38_f32).into());
    let status = vec![0, NAN, INFINITE, INFINITE, NAN, 0, INFINITE, NAN, INFINITE];
    Case::new("inputs outside the contract", Fault { problem, status })
}

/// More pairs than an index of 16 bits holds, and more tokens than half precision.
fn many<L: PairLink>(link: L, name: &str) -> PairProblem<L> {
    let mut problem = normal(link, name, 66_001);
    problem.loss.length = Length::TokenMean;
    problem.lengths.iter_mut().flatten().flatten().for_each(|length| *length += 4097.0);
    let n = problem.logps[0].len();
    let own = |k: usize| Some((0..n).map(|i| ((i * k) % 17) as f64 / 16.0).collect());
    problem.extras = [own(3), own(5).filter(|_| L::MARGIN), own(7)];
    problem
}

/// The cases.
pub(super) fn cases<L: PairLink>(link: L) -> Vec<Case> {
    let ratios = hard::<L>();
    let mut cases = Vec::new();
    for n in [0, 1, 2, 63, 64, 65, 1000] {
        cases.push(Case::new(format!("n = {n}"), normal(link, &format!("n = {n}"), n)));
    }
    for beta in [1e-6, 0.1, 1.0, 1e3] {
        cases.push(Case::new(format!("grid of log-ratios, beta = {beta}"), grid(link, beta, &ratios)));
    }
    let same = normal(link, "policy is the reference", 40);
    let [chosen, rejected, ..] = same.logps.clone();
    let logps = [chosen.clone(), rejected.clone(), chosen, rejected];
    cases.push(Case::new("policy is the reference", PairProblem { logps, ..same }));
    let equal = normal(link, "chosen is rejected", 40);
    let [chosen, _, reference, _] = equal.logps.clone();
    let logps = [chosen.clone(), chosen, reference.clone(), reference];
    cases.push(Case::new("chosen is rejected", PairProblem { logps, ..equal }));
    cases.push(ties(link));
    cases.push(faults(link));
    let free = PairLoss { reference_free: true, ..plain(link) };
    cases.push(Case::new("reference free", PairProblem { loss: free, ..normal(link, "reference free", 70) }));
    let mean = PairLoss { length: Length::TokenMean, ..plain(link) };
    cases.push(Case::new("token means", PairProblem { loss: mean, ..normal(link, "token means", 70) }));
    cases.push(Case::new("n = 66001", many(link, "n = 66001")));
    let name = "many for a small device";
    cases.push(Case::tight(name, normal(link, name, 701)));
    let mut last = many(link, "a fault in the last of many");
    let status: Vec<u32> = (0..66_001).map(|i| if i == 66_000 { NAN } else { 0 }).collect();
    last.logps[0][66_000] = f64::NAN;
    cases.push(Case::new("a fault in the last of many", Fault { problem: last, status }));
    let sum = PairProblem { reduction: Some(Reduction::Sum), ..normal(link, "sum", 70) };
    cases.push(Case::new("sum", sum));
    let part = PairProblem {
        reduction: Some(Reduction::Mean { over: 560 }),
        ..normal(link, "an eighth of a batch", 70)
    };
    cases.push(Case::new("an eighth of a batch", part));
    cases.extend(pair_extras::cases(link));
    if L::DIFFERENCE {
        cases.extend(scores(link));
    }
    if L::SPEC.slug == "pair/hinge" {
        cases.push(beyond(link, "both scores below f32", Score::ForwardKl, -1.0));
        let alpha = Score::AlphaDivergence { coef: 2.0, cap: Score::UNCAPPED };
        cases.push(beyond(link, "both scores above f32", alpha, 1.0));
    }
    cases
}

/// The f-divergences, on log-ratios where f32 holds their scores.
fn scores<L: PairLink>(link: L) -> Vec<Case> {
    let maps = [
        ("forward KL", Score::ForwardKl),
        ("JS divergence", Score::JsDivergence),
        ("alpha divergence 0.5", Score::AlphaDivergence { coef: 0.5, cap: 80.0 }),
        ("alpha divergence 0.5, capped", Score::AlphaDivergence { coef: 0.5, cap: 1.25 }),
        ("alpha divergence 1", Score::AlphaDivergence { coef: 1.0, cap: 80.0 }),
        ("alpha divergence 2", Score::AlphaDivergence { coef: 2.0, cap: Score::UNCAPPED }),
    ];
    // The cap of 1.25 is met at -2.5 and hardly exceeded at -2.501.
    let ratios =
        [0.0, 1e-30, -1e-30, 1e-4, -1e-4, 0.5, -0.5, 1.0, -3.0, 5.0, -10.0, 20.0, -20.0, 3.3, -2.5, -2.501];
    let ratios = ratios.map(|x: f64| f64::from(x as f32));
    let case = |name: &str, score, mean| {
        let mut problem = grid(link, 0.1, &ratios);
        problem.loss.score = score;
        if mean {
            problem.loss.length = Length::TokenMean;
            problem.lengths =
                Some([1, 2].map(|k| (0..ratios.len().pow(2)).map(|i| (1 + k * i % 7) as f64).collect()));
        }
        Case::new(name, problem)
    };
    let sums = maps.iter().map(|&(name, score)| case(name, score, false));
    let means = maps.iter().map(|&(name, score)| case(&format!("{name}, token means"), score, true));
    sums.chain(means).collect()
}

/// Scores of both responses beyond f32: the sign of their difference is known, and equal ones leave no NaN.
fn beyond<L: PairLink>(link: L, name: &str, score: Score, sign: f64) -> Case {
    let ratios = |xs: [f64; 6]| xs.map(|x| sign * x).to_vec();
    let (chosen, rejected) = (
        ratios([150.0, 200.0, 200.0, 200.0, 200.0, 160.0]),
        ratios([200.0, 150.0, 200.0, 200.0, 200.0, 150.0]),
    );
    let lengths = [vec![1.0, 1.0, 9.0, 2.0, 3.0, 9.0], vec![1.0, 1.0, 2.0, 9.0, 3.0, 1.0]];
    let mut loss = PairLoss { length: Length::TokenMean, ..PairLoss::new(0.1, link) };
    loss.score = score;
    let logps = [chosen, rejected, vec![0.0; 6], vec![0.0; 6]];
    let problem = PairProblem { lengths: Some(lengths), ..PairProblem::new(loss, logps) };
    // Which of the two is larger in size: the rejected one, the chosen one, …, none of them, the chosen one.
    let (less, more) = if sign < 0.0 { (0.0, f64::INFINITY) } else { (f64::INFINITY, 0.0) };
    Case::new(name, Pinned { problem, exact: vec![("loss", vec![less, more, less, more, 1.0, more])] })
}
