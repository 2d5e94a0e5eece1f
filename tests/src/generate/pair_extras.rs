//! Cases of what stands around a link: margins, labels, weights, likelihood terms, rewards.

use bellwether_core::pair::{Length, Noise, PairLoss, Reward, Score, Sft};
use bellwether_core::status::{DOMAIN, INFINITE, NAN};
use bellwether_cpu_ref::pair_rows::PairLink;

use super::pair_rows::{grid, hard, normal, plain};
use super::{Case, Draw};
use crate::problem::{Fault, PairProblem};

const N: usize = 70;

/// Numbers that f32 holds, one per pair.
fn uniform(name: &str, n: usize, low: f64, high: f64) -> Vec<f64> {
    let mut draw = Draw::of(name);
    (0..n).map(|_| f64::from(draw.uniform(low, high) as f32)).collect()
}

/// A composition on ordinary pairs.
fn composed<L: PairLink>(link: L, name: &str, change: impl Fn(&mut PairLoss<L>)) -> Case {
    let mut problem = normal(link, name, N);
    change(&mut problem.loss);
    Case::new(name, problem)
}

/// The cases.
pub(super) fn cases<L: PairLink>(link: L) -> Vec<Case> {
    let mut cases = noise(link);
    cases.extend(own(link));
    cases.push(faults(link));
    cases.push(composed(link, "likelihood of the chosen", |loss| loss.sft = Sft::Sum(0.7)));
    cases.push(composed(link, "likelihood of the chosen beside token means", |loss| {
        (loss.sft, loss.length) = (Sft::Sum(0.7), Length::TokenMean);
    }));
    cases.push(composed(link, "mean likelihood of the chosen", |loss| loss.sft = Sft::TokenMean(0.7)));
    cases.push(composed(link, "optimism", |loss| loss.optimism = 0.03));
    cases.push(composed(link, "rewards are scores", |loss| {
        (loss.reward, loss.reference_free, loss.length) = (Reward::Score, true, Length::TokenMean);
    }));
    cases.push(composed(link, "rewards are scores beside a reference", |loss| {
        (loss.reward, loss.length) = (Reward::Score, Length::MeanLogp);
    }));
    if L::LOG_PROBABILITY {
        let mut sure = grid(link, 0.1, &hard::<L>());
        sure.logps[0].fill(0.0);
        cases.push(Case::new("chosen responses of probability 1", sure));
    }
    if L::MARGIN {
        cases.push(composed(link, "a margin", |loss| loss.margin = 0.75));
    }
    if L::DIFFERENCE {
        let score = Score::AlphaDivergence { coef: 0.75, cap: Score::UNCAPPED };
        cases.push(composed(link, "a power of mean log-probabilities", |loss| {
            (loss.score, loss.length, loss.reference_free) = (score, Length::MeanLogp, true);
        }));
    }
    if !L::LOG_PROBABILITY {
        cases
            .push(composed(link, "clipped ratios", |loss| loss.score = Score::ClippedRatio { epsilon: 0.9 }));
        // The ends are -2.3026 and 0.64185.
        let mut ends =
            grid(link, 0.1, &[0.0, 0.641, 0.6421, 1.0, -2.302, -2.304, -5.0].map(|x: f32| x.into()));
        ends.loss.score = Score::ClippedRatio { epsilon: 0.9 };
        cases.push(Case::new("ratios at the ends of a clip", ends));
        cases.push(composed(link, "clipped ratios of means", |loss| {
            (loss.score, loss.length) = (Score::ClippedRatio { epsilon: 0.01 }, Length::MeanLogp);
        }));
    }
    cases
}

/// Labels that may be wrong.
fn noise<L: PairLink>(link: L) -> Vec<Case> {
    let settings = [
        ("labels smoothed by 0.1", Noise::Conservative { label_smoothing: 0.1 }),
        ("labels smoothed by 0.4", Noise::Conservative { label_smoothing: 0.4 }),
        ("noise of 0.1 corrected", Noise::Corrected { label_smoothing: 0.1 }),
        ("noise of 0.4 corrected", Noise::Corrected { label_smoothing: 0.4 }),
    ];
    let on_grid = |&(name, noise): &(&str, Noise)| {
        let mut problem = grid(link, 0.5, &hard::<L>());
        problem.loss.noise = noise;
        Case::new(format!("{name}, grid of log-ratios"), problem)
    };
    let ordinary = |&(name, noise): &(&'static str, Noise)| composed(link, name, |loss| loss.noise = noise);
    settings[..1].iter().chain(&settings[2..3]).map(on_grid).chain(settings.iter().map(ordinary)).collect()
}

/// What pairs bring along, alone and together.
fn own<L: PairLink>(link: L) -> Vec<Case> {
    let weights = |of: &str| {
        let mut weights = uniform(&format!("weights of {of}"), N, 0.0, 2.0);
        weights[..3].copy_from_slice(&[0.0, 1.0, 1e-3]);
        weights
    };
    let preferences = |of: &str| {
        let mut preferences = uniform(&format!("preferences of {of}"), N, 0.0, 1.0);
        preferences[..4].copy_from_slice(&[0.0, 1.0, 0.5, 2_f64.powi(-24)]);
        preferences
    };
    let margins = L::MARGIN.then(|| uniform("margins of pairs", N, -3.0, 3.0));
    let case = |name: &str, extras| Case::new(name, PairProblem { extras, ..normal(link, name, N) });
    let mut cases = vec![
        case("weights", [Some(weights("pairs")), None, None]),
        case("preferences", [None, None, Some(preferences("pairs"))]),
    ];
    if margins.is_some() {
        cases.push(case("margins", [None, margins.clone(), None]));
    }
    let mut all = normal(link, "weights, margins and preferences", N);
    all.extras = [Some(weights("all")), margins, Some(preferences("all"))];
    all.loss = PairLoss { sft: Sft::TokenMean(0.2), optimism: 0.1, length: Length::TokenMean, ..plain(link) };
    cases.push(Case::new("weights, margins and preferences", all));
    // A weight of 0 leaves nothing, not even of an infinite loss.
    let unlikely =
        PairProblem { extras: [Some(vec![0.0; 196]), None, None], ..grid(link, 1e3, &hard::<L>()[..14]) };
    cases.push(Case::new("weights of 0", unlikely));
    cases
}

/// Numbers outside the contract in what pairs bring along, among good ones.
fn faults<L: PairLink>(link: L) -> Case {
    let mut problem = normal(link, "extras outside the contract", 12);
    let mut weights = vec![1.0; 12];
    (weights[1], weights[2], weights[3]) = (-1.0, f64::NAN, f64::INFINITY);
    let mut preferences = vec![0.75; 12];
    (preferences[4], preferences[5], preferences[6]) = (1.001, -0.25, f64::NAN);
    let mut status = vec![0, DOMAIN, NAN, INFINITE, DOMAIN, DOMAIN, NAN, 0, 0, 0, 0, 0];
    let margins = L::MARGIN.then(|| {
        (status[10], status[11]) = (NAN, INFINITE);
        [vec![0.5; 10], vec![f64::NAN, f64::NEG_INFINITY]].concat()
    });
    if L::LOG_PROBABILITY {
        (problem.logps[0][7], problem.logps[1][8], problem.logps[0][9]) = (0.0, 0.0, 0.5);
        (status[7], status[8], status[9]) = (DOMAIN, DOMAIN, DOMAIN);
        preferences[8] = 1.0;
    }
    problem.extras = [Some(weights), margins, Some(preferences)];
    problem.lengths = Some([vec![3.0; 12], vec![5.0; 12]]);
    Case::new("extras outside the contract", Fault { problem, status })
}
