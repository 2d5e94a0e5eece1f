//! Losses on lists against the numbers and identities that their papers give.

use bellwether_core::Error;
use bellwether_core::list::{Aot, Brain, ContextMixture, Copg, LeaveOneOut, PairwiseLogistic, PlackettLuce};
use bellwether_core::sig::Reduction;
use bellwether_cpu_ref::list_rows::{ListInputs, ListRow, list_rows};
use bellwether_cpu_ref::token_map::View;

#[path = "checks_list/aot.rs"]
mod aot;
mod common;

/// Planes and gradients of one list, on the reference.
fn of<O: ListRow>(op: O, inputs: &[&[f64]], constants: &[&[f64]], rank: &[u32]) -> (Vec<f64>, Vec<f64>) {
    run(op, inputs, constants, rank).unwrap_or_else(|error| panic!("{error}"))
}

fn run<O: ListRow>(
    op: O,
    inputs: &[&[f64]],
    constants: &[&[f64]],
    rank: &[u32],
) -> Result<(Vec<f64>, Vec<f64>), Error> {
    let items = inputs[0].len();
    let x: Vec<_> = inputs.iter().map(|data| View::packed(data, items)).collect();
    let c: Vec<_> = constants.iter().map(|data| View::packed(data, items)).collect();
    let rank = O::PLANES.ranked.then(|| View::packed(rank, items));
    let (mut planes, mut gradients) = (vec![0.0; O::PLANES.count()], vec![0.0; inputs.len() * items]);
    list_rows(&op, &ListInputs::new((1, items), &x, &c, rank), Reduction::Sum, &mut planes, &mut gradients)?;
    Ok((planes, gradients))
}

#[track_caller]
fn close(got: f64, want: f64, within: f64) {
    assert!((got - want).abs() <= within, "{got} is not {want} within {within:e}");
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn sigmoid(x: f64) -> f64 {
    (-softplus(-x)).exp()
}

const SCORES: [f64; 3] = [0.12, 0.03, -0.07];

fn ranking(scores: &[f64], rank: &[u32], top: u32) -> f64 {
    of(PlackettLuce { top }, &[scores], &[], rank).0[0]
}

#[test]
fn rankings_of_three() {
    close(ranking(&SCORES, &[1, 2, 3], 0), 1.652_679_462, 5e-10);
    close(ranking(&SCORES, &[3, 2, 1], 0), 1.937_442_141, 5e-10);
    let orders = [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]];
    close(orders.iter().map(|rank| (-ranking(&SCORES, rank, 0)).exp()).sum(), 1.0, 1e-14);
    let (_, gradient) = of(PlackettLuce { top: 0 }, &[&SCORES], &[], &[1, 2, 3]);
    for (got, want) in gradient.iter().zip([-0.635_155_047, -0.141_577_632, 0.776_732_679]) {
        close(*got, want, 5e-10);
    }
    close(ranking(&SCORES[..2], &[1, 2], 0), 0.649_159_339, 5e-10);
}

#[test]
fn the_first_places_of_a_ranking() {
    let total: f64 = SCORES.iter().map(|x| x.exp()).sum();
    // The best of three is a softmax, and the probabilities of all who may be it sum to 1.
    close(ranking(&SCORES, &[2, 1, 3], 1), total.ln() - SCORES[1], 1e-14);
    let first = [[1, 2, 3], [2, 1, 3], [2, 3, 1]].map(|rank| (-ranking(&SCORES, &rank, 1)).exp());
    close(first.iter().sum(), 1.0, 1e-14);
    // The last choice of all is none.
    for top in [2, 3, 1000] {
        close(ranking(&SCORES, &[3, 1, 2], top), ranking(&SCORES, &[3, 1, 2], 0), 0.0);
    }
}

#[test]
fn ties_and_wrong_ranks_are_named() {
    let of = |rank: &[u32]| run(PlackettLuce { top: 0 }, &[&SCORES], &[], rank).err();
    let op = "list/plackett_luce";
    assert_eq!(of(&[1, 2, 2]), Some(Error::TiedRank { op, row: 0, given: 2 }));
    for (rank, index) in [([0, 1, 2], 0), ([1, 2, 4], 4)] {
        assert_eq!(of(&rank), Some(Error::IndexOutOfRange { op, arg: "rank", row: 0, index, bound: 4 }));
    }
    let many = vec![0.0; 1025];
    let (view, ranks) = ([View::packed(&many[..], 1025)], vec![1; 1025]);
    let x = ListInputs::new((1, 1025), &view, &[], Some(View::packed(&ranks[..], 1025)));
    let refused = list_rows(&PlackettLuce { top: 0 }, &x, Reduction::Sum, &mut [0.0; 2], &mut [0.0; 1025]);
    let allowed = "0..=1024";
    assert_eq!(refused, Err(Error::InvalidParameter { op, arg: "items", given: 1025.0, allowed }));
}

/// Gains of labels.
fn gains(labels: &[f64]) -> Vec<f64> {
    labels.iter().map(|label| label.exp2() - 1.0).collect()
}

fn all_pairs(unit: bool, scores: &[f64], labels: &[f64], rank: &[u32]) -> f64 {
    of(PairwiseLogistic { unit }, &[scores], &[&gains(labels)], rank).0[0]
}

/// Section 3.3 of `RankDPO`: the order of the labels, lower scores preferred.
#[test]
fn rank_dpo() {
    let labels = [1.0, 2.0 / 3.0, 1.0 / 3.0, 0.0];
    let order = [1, 2, 3, 4];
    close(all_pairs(false, &[-0.2, 0.1, -0.05, -0.3], &labels, &order), 1.268_997, 5e-7);
    // Equal scores: ln 2 times the sum of the table of weights.
    let table = [0.219_691, 0.533_854, 0.821_360, 0.061_858, 0.169_703, 0.025_995];
    let sum: f64 = table.iter().sum();
    close(all_pairs(false, &[0.7; 4], &labels, &order), 2.0_f64.ln() * sum, 2e-6);
    // Two responses: DPO times a constant.
    let constant = (1.0 - (2.0_f64 / 3.0).exp2() + 1.0) * (1.0 / 2.0_f64.ln() - 1.0 / 3.0_f64.ln());
    close(constant, table[0], 1e-6);
    close(all_pairs(false, &[0.4, 0.1], &labels[..2], &[1, 2]), constant * softplus(-0.3), 1e-12);
    // Equal labels say nothing.
    let (planes, gradient) = of(PairwiseLogistic { unit: false }, &[&[1.0, 5.0]], &[&[3.0; 2]], &[2, 1]);
    assert!(planes.iter().chain(&gradient).all(|x| x.abs() <= 0.0), "{planes:?} {gradient:?}");
}

/// The exchange of the first and the last costs more than that of the two in the middle.
#[test]
fn the_ends_of_a_ranking_matter_most() {
    let (labels, order) = ([1.0, 2.0 / 3.0, 1.0 / 3.0, 0.0], [1, 2, 3, 4]);
    let right = [3.0, 2.0, 1.0, 0.0];
    let (ends, middle) = ([0.0, 2.0, 1.0, 3.0], [3.0, 1.0, 2.0, 0.0]);
    let [right, ends, middle] = [right, ends, middle].map(|s| all_pairs(false, &s, &labels, &order));
    assert!(right < middle && middle < ends, "{right} {middle} {ends}");
}

/// TPO on preference trees without step weights: the order of the model, and the weights of its table.
#[test]
fn preference_trees() {
    let (scores, labels, order) = ([0.2, 0.45, -0.15], [1.0, 0.5, 0.0], [2, 1, 3]);
    close(all_pairs(false, &scores, &labels, &order), 0.489_084, 5e-7);
    let lambdas = [(0.311_905, -0.25), (0.188_892, 0.35), (0.298_792, 0.6)];
    let by_hand: f64 = lambdas.iter().map(|(lambda, margin)| lambda * softplus(-margin)).sum();
    close(all_pairs(false, &scores, &labels, &order), by_hand, 2e-6);
    let unit: f64 = lambdas.iter().map(|(_, margin)| softplus(-margin)).sum();
    close(all_pairs(true, &scores, &labels, &order), unit, 1e-12);
}

/// Two samples whose proposal is the prior: DPO with β = 1, soft labels or hard ones.
#[test]
fn brain_of_two_is_dpo() {
    let (prior, logp, reward) = ([-3.0, -5.0], [-2.5, -5.25], [0.8, -0.4]);
    let margin = (logp[0] - prior[0]) - (logp[1] - prior[1]);
    let of = |gamma| of(Brain { gamma }, &[&logp], &[&prior, &prior, &reward], &[]);
    let ([loss, effective, _], gradient) = (<[f64; 3]>::try_from(of(1e-3).0).expect("three"), of(1e-3).1);
    close(loss, softplus(-margin), 1e-12);
    close(effective, 1.0, 1e-12);
    close(gradient[0], -sigmoid(-margin), 1e-12);
    let p = sigmoid((reward[0] - reward[1]) / 0.7);
    let cross = p * softplus(-margin) + (1.0 - p) * softplus(margin);
    let entropy = -p * p.ln() - (1.0 - p) * (1.0 - p).ln();
    let (planes, gradient) = of(0.7);
    close(planes[0], cross - entropy, 1e-12);
    close(planes[1], 1.0 / (p * p + (1.0 - p) * (1.0 - p)), 1e-12);
    close(gradient[0], sigmoid(margin) - p, 1e-12);
    close(gradient[0] + gradient[1], 0.0, 1e-15);
}

#[test]
fn brain_is_nothing_where_the_weights_agree() {
    let (prior, reward) = ([-3.0, -4.0, -1.0, -2.5], [0.5, -1.0, 2.0, 0.0]);
    let prop = [-2.0, -3.5, -1.5, -9.0];
    let logp: Vec<f64> = prior.iter().zip(reward).map(|(p, r)| p + r / 0.5 + 7.0).collect();
    let (planes, gradient) = of(Brain { gamma: 0.5 }, &[&logp], &[&prior, &prop, &reward], &[]);
    assert!((0.0..1e-28).contains(&planes[0]) && gradient.iter().all(|x| x.abs() < 1e-14), "{planes:?}");
    let uniform = of(Brain { gamma: 1.0 }, &[&prior], &[&prior, &prior, &[1.0; 4]], &[]).0;
    close(uniform[1], 4.0, 1e-14);
}

/// The spread of the regularised rewards is the sum over pairs; two samples are twice β times the pair's loss.
#[test]
fn copg_is_a_sum_over_pairs() {
    let (ratio, reward, beta) = ([0.3, -1.2, 0.7, 2.0], [1.0, 0.5, -0.25, 3.0], 0.3);
    let r: Vec<f64> = ratio.iter().zip(reward).map(|(d, r)| r - beta * d).collect();
    let pairs: f64 =
        (0..4).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| (r[i] - r[j]).powi(2)).sum();
    close(of(Copg { beta }, &[&ratio], &[&reward], &[]).0[0], pairs / 3.0, 1e-12);
    let (x, target) = (ratio[0] - ratio[1], (reward[0] - reward[1]) / beta);
    let (planes, gradient) = of(Copg { beta }, &[&ratio[..2]], &[&reward[..2]], &[]);
    close(planes[0], 2.0 * beta * (beta / 2.0 * (x - target).powi(2)), 1e-12);
    close(gradient[0], 2.0 * beta * beta * (x - target), 1e-12);
    // The optimal policy's log-ratios are r/β up to a constant.
    let best: Vec<f64> = reward.iter().map(|r| r / beta + 4.0).collect();
    close(of(Copg { beta }, &[&best], &[&reward], &[]).0[0], 0.0, 1e-25);
}

/// Two samples of a policy over three actions, all of them enumerated: the expected gradient is that of the divergence.
#[test]
fn leave_one_out_is_unbiased() {
    let (logits, reference): ([f64; 3], [f64; 3]) =
        ([0.3, -0.8, 1.1], [0.5_f64.ln(), 0.2_f64.ln(), 0.3_f64.ln()]);
    let norm = logits.iter().map(|x| x.exp()).sum::<f64>().ln();
    let logp = logits.map(|x| x - norm);
    let p = logp.map(f64::exp);
    let kl: f64 = (0..3).map(|a| p[a] * (logp[a] - reference[a])).sum();
    let (mut mean, mut gradient) = (0.0, [0.0; 3]);
    for (a, b) in (0..9).map(|i| (i / 3, i % 3)) {
        let (planes, slopes) =
            of(LeaveOneOut {}, &[&[logp[a], logp[b]]], &[&[reference[a], reference[b]]], &[]);
        mean += p[a] * p[b] * planes[0];
        for (action, slope) in [(a, slopes[0]), (b, slopes[1])] {
            for (v, g) in gradient.iter_mut().enumerate() {
                *g += p[a] * p[b] * slope * (f64::from(u8::from(v == action)) - p[v]);
            }
        }
    }
    close(mean, kl, 1e-14);
    for (v, got) in gradient.iter().enumerate() {
        close(*got, p[v] * (logp[v] - reference[v] - kl), 1e-14);
    }
}

fn preferred(deltas: &[f64], weights: &[f64]) -> f64 {
    let logs: Vec<f64> = weights.iter().map(|p| p.ln()).collect();
    (-of(ContextMixture {}, &[deltas, &logs], &[], &[]).0[0]).exp()
}

#[test]
fn preferences_under_an_unknown_context() {
    close(preferred(&[2.0, -1.0], &[0.4, 0.6]), 0.513_683_684, 5e-10);
    // Three contexts that prefer in a circle: so does their mixture.
    close(preferred(&[1.0, 1.0, -2.0], &[1.0 / 3.0; 3]), 0.527_107, 5e-7);
    close(preferred(&[1.7], &[1.0]), sigmoid(1.7), 1e-15);
    for delta in [0.1, 3.0, 50.0] {
        close(preferred(&[delta, -delta], &[0.5; 2]), 0.5, 1e-15);
        close(preferred(&[delta; 3], &[0.2, 0.5, 0.3]), sigmoid(delta), 1e-15);
    }
    let (deltas, weights) = ([0.3, -2.0, 4.0], [0.2, 0.5, 0.3]);
    close(preferred(&deltas, &weights) + preferred(&deltas.map(|d| -d), &weights), 1.0, 1e-15);
}

/// Short lists give zeros and say so.
#[test]
fn too_few_items_are_flagged() {
    let (planes, gradient) = of(Copg { beta: 0.1 }, &[&[3.0]], &[&[1.0]], &[]);
    assert_eq!((planes, gradient), (vec![0.0, 32.0], vec![0.0]));
}

/// Sorted, then compared one by one: a batch whose samples are in order already is the pair loss of each.
#[test]
fn optimal_transport_compares_in_order() {
    let (above, below, op) = ([3.0, -1.0, 0.5], [2.0, 4.0, -2.0], Aot { beta: 0.5, label_smoothing: 0.2 });
    let (planes, gradient) = of(op, &[&above, &below], &[], &[]);
    // By size: -1 and -2, 0.5 and 2, 3 and 4.
    let loss = |d: f64| 0.8 * softplus(-0.5 * d) + 0.2 * softplus(0.5 * d);
    close(planes[0], (loss(1.0) + loss(-1.5) + loss(-1.0)) / 3.0, 1e-15);
    let slope = |d: f64| 0.5 / 3.0 * (0.2 * sigmoid(0.5 * d) - 0.8 * sigmoid(-0.5 * d));
    let want = [slope(-1.0), slope(1.0), slope(-1.5), -slope(-1.5), -slope(-1.0), -slope(1.0)];
    gradient.iter().zip(want).for_each(|(got, want)| close(*got, want, 1e-15));
}
