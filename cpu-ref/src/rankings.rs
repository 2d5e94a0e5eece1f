//! Pairs and labels from scored responses: what stands between a sampler or a reward model and a loss.
//!
//! CPU only: indices and comparisons of a few numbers per prompt, which a kernel launch would cost more than.

use bellwether_core::op::require;
use bellwether_core::{Error, Real};

use crate::rows::{exactly, finite, product};

/// A preference: two responses of a list by their indices.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Preference {
    /// The better response.
    pub chosen: usize,
    /// The worse one.
    pub rejected: usize,
    /// By how much its score is higher; > 0.
    pub gap: f64,
}

/// A response and what it is to be conditioned on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Relabelled {
    /// Which pair it came from.
    pub pair: usize,
    /// Whether chosen and rejected have changed places.
    pub swapped: bool,
    /// The reward that the prompt asks for: that of the response which is preferred under it.
    pub goal: f64,
}

fn all_finite(op: &'static str, arg: &'static str, len: usize, xs: &[f64]) -> Result<(), Error> {
    xs.iter().enumerate().try_for_each(|(i, &x)| finite(op, arg, (i / len.max(1), i % len.max(1)), x))
}

/// Room for at least so many elements.
fn holds<T>(op: &'static str, arg: &'static str, slice: &[T], expected: usize) -> Result<(), Error> {
    if slice.len() >= expected { Ok(()) } else { exactly(op, arg, slice, expected) }
}

/// The best response against every other, the easiest pair (the widest gap) first: the curriculum of Curry-DPO
/// (arXiv:2403.07230). Gives how many pairs there are; a response as good as the best makes none. Of equal scores the
/// first counts as the better one.
///
/// # Errors
/// `pairs` is shorter than `scores` less one, or a score is NaN or infinite; `pairs` is then untouched.
pub fn best_against_rest(scores: &[f64], pairs: &mut [Preference]) -> Result<usize, Error> {
    let op = "rankings/best_against_rest";
    holds(op, "pairs", pairs, scores.len().saturating_sub(1))?;
    all_finite(op, "scores", scores.len(), scores)?;
    let better = |a: usize, b: usize| if scores[b] > scores[a] { b } else { a };
    let Some(chosen) = (0..scores.len()).reduce(better) else { return Ok(0) };
    let mut count = 0;
    for rejected in (0..scores.len()).filter(|&i| scores[i] < scores[chosen]) {
        pairs[count] = Preference { chosen, rejected, gap: scores[chosen] - scores[rejected] };
        count += 1;
    }
    let easier = |a: &Preference, b: &Preference| b.gap.total_cmp(&a.gap).then(a.rejected.cmp(&b.rejected));
    pairs[..count].sort_unstable_by(easier);
    Ok(count)
}

/// Every pair of responses whose scores differ by more than `threshold` (arXiv:2404.14367), by indices in order. Gives
/// how many there are. Equal scores make no pair.
///
/// # Errors
/// `threshold` is negative or no number, `pairs` has no room for all `n(n − 1)/2`, or a score is NaN or infinite;
/// `pairs` is then untouched.
pub fn all_pairs(scores: &[f64], threshold: f64, pairs: &mut [Preference]) -> Result<usize, Error> {
    let (op, n) = ("rankings/all_pairs", scores.len());
    require(threshold >= 0.0 && threshold.is_finite(), op, "threshold", threshold, ">= 0 and finite")?;
    holds(op, "pairs", pairs, product(op, "pairs", n, n.saturating_sub(1))? / 2)?;
    all_finite(op, "scores", n, scores)?;
    let mut count = 0;
    for (i, j) in (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j))) {
        let [chosen, rejected] = if scores[i] >= scores[j] { [i, j] } else { [j, i] };
        let gap = scores[chosen] - scores[rejected];
        if gap > threshold {
            pairs[count] = Preference { chosen, rejected, gap };
            count += 1;
        }
    }
    Ok(count)
}

/// The share of comparisons that each of `items` responses wins, over all judges: `φ_i = C_i/(n(K − 1))` with `C_i` the
/// strict wins, of `scores` `[judges, items]` (`RankDPO`, arXiv:2410.18013, algorithm 1). A tie is a win of neither.
///
/// # Errors
/// Fewer than two items, no judge, shapes that disagree, a NaN or an infinity; `shares` is then untouched.
pub fn win_shares(scores: &[f64], items: usize, shares: &mut [f64]) -> Result<(), Error> {
    let op = "rankings/win_shares";
    require(items >= 2, op, "items", items as f64, ">= 2")?;
    let judges = (scores.len() / items).max(1);
    exactly(op, "scores", scores, product(op, "scores", judges, items)?)?;
    exactly(op, "shares", shares, items)?;
    all_finite(op, "scores", items, scores)?;
    let comparisons = judges as f64 * (items - 1) as f64;
    for (i, share) in shares.iter_mut().enumerate() {
        let wins = |judge: &[f64]| judge.iter().filter(|&&other| judge[i] > other).count();
        *share = scores.chunks_exact(items).map(wins).sum::<usize>() as f64 / comparisons;
    }
    Ok(())
}

/// Each pair twice: as it is under the goal of its chosen response's reward, and exchanged under that of the rejected
/// one (arXiv:2410.08067). `rewards` are `[chosen, rejected]` of every pair. Of `R(y, goal) = −(goal − r)²` both
/// preferences are by `(r_w − r_l)²`.
///
/// # Errors
/// `pairs` has not two elements per pair, a reward is NaN or infinite, or both rewards of a pair are equal, which would
/// contradict itself; `pairs` is then untouched.
pub fn relabel(rewards: &[[f64; 2]], pairs: &mut [Relabelled]) -> Result<(), Error> {
    let op = "rankings/relabel";
    exactly(op, "pairs", pairs, product(op, "pairs", rewards.len(), 2)?)?;
    for (row, own) in rewards.iter().enumerate() {
        own.iter().enumerate().try_for_each(|(col, &x)| finite(op, "rewards", (row, col), x))?;
        if own[0].total_cmp(&own[1]).is_eq() || own[0] - own[1] == 0.0 {
            let allowed = "two different rewards";
            return Err(Error::OutOfDomain { op, arg: "rewards", row, given: own[0], allowed });
        }
    }
    for (pair, (own, places)) in rewards.iter().zip(pairs.chunks_exact_mut(2)).enumerate() {
        for (place, (&goal, swapped)) in places.iter_mut().zip(own.iter().zip([false, true])) {
            *place = Relabelled { pair, swapped, goal };
        }
    }
    Ok(())
}

/// The margin of a pair of step-wise responses with adaptive weights: `β Σ_k W_k (d_k − e_k)`,
/// `W_k = 1 + cos(a_k, b_k)` of the steps' embeddings (TPO on preference trees, arXiv:2410.12854, eq. 10; the weight
/// stands on the difference, as the paper's text says and its brackets do not). An embedding of norm 0 has cosine 0.
///
/// `ratios` are the steps' log-ratios of both responses, `embeddings` `[steps, width]` of both. Also writes the
/// weights, which times `β` are the slopes.
///
/// # Errors
/// `β` is not positive and finite, shapes that disagree, a NaN or an infinity; `weights` is then untouched.
pub fn step_margin(
    beta: f64,
    ratios: [&[f64]; 2],
    embeddings: [&[f64]; 2],
    weights: &mut [f64],
) -> Result<f64, Error> {
    let (op, steps) = ("rankings/step_margin", weights.len());
    require(beta > 0.0 && beta.is_finite(), op, "beta", beta, "> 0 and finite")?;
    let width = embeddings[0].len().checked_div(steps).unwrap_or(0);
    for (ratios, embeddings) in ratios.into_iter().zip(embeddings) {
        exactly(op, "ratios", ratios, steps)?;
        exactly(op, "embeddings", embeddings, product(op, "embeddings", steps, width)?)?;
        all_finite(op, "ratios", steps, ratios)?;
        all_finite(op, "embeddings", width, embeddings)?;
    }
    for (k, weight) in weights.iter_mut().enumerate() {
        let [a, b] = embeddings.map(|side| &side[k * width..(k + 1) * width]);
        *weight = 1.0 + cosine(a, b);
    }
    let terms = weights.iter().enumerate().map(|(k, &w)| w * (ratios[0][k] - ratios[1][k]));
    Ok(beta * f64::total(terms))
}

/// The cosine of two vectors, each scaled to a largest element of 1 first; 0 where one has no direction.
fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let largest = |v: &[f64]| v.iter().fold(0.0, |top: f64, x| top.max(x.abs()));
    let (top_a, top_b) = (largest(a), largest(b));
    if top_a == 0.0 || top_b == 0.0 {
        return 0.0;
    }
    let dot = |u: &[f64], v: &[f64], scales: [f64; 2]| {
        f64::total(u.iter().zip(v).map(|(x, y)| (x / scales[0]) * (y / scales[1])))
    };
    let squares = dot(a, a, [top_a; 2]) * dot(b, b, [top_b; 2]);
    (dot(a, b, [top_a, top_b]) / libm::sqrt(squares)).clamp(-1.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(pairs: &[Preference]) -> impl Iterator<Item = (usize, usize)> {
        pairs.iter().map(|pair| (pair.chosen, pair.rejected))
    }

    #[test]
    fn a_curriculum_goes_from_the_widest_gap() -> Result<(), Error> {
        let mut pairs = [Preference::default(); 4];
        let count = best_against_rest(&[3.0, 5.0, 2.0, 4.5], &mut pairs)?;
        assert!(ids(&pairs[..count]).eq([(1, 2), (1, 0), (1, 3)]), "{pairs:?}");
        assert!(pairs[..count].windows(2).all(|two| two[0].gap >= two[1].gap));
        // One as good as the best makes no pair, equal ones come by index, one alone has no rest.
        assert_eq!(best_against_rest(&[5.0, 1.0, 5.0, 1.0], &mut pairs)?, 2);
        assert!(ids(&pairs[..2]).eq([(0, 1), (0, 3)]));
        assert_eq!((best_against_rest(&[5.0], &mut [])?, best_against_rest(&[], &mut [])?), (0, 0));
        let op = "rankings/best_against_rest";
        let short = Error::ShapeMismatch { op, arg: "pairs", expected: 3, given: 2 };
        assert_eq!(best_against_rest(&[0.0; 4], &mut pairs[..2]), Err(short));
        assert!(matches!(
            best_against_rest(&[0.0, f64::NAN], &mut pairs),
            Err(Error::NonFinite { col: 1, .. })
        ));
        Ok(())
    }

    #[test]
    fn all_pairs_leave_out_what_is_equal() -> Result<(), Error> {
        let mut pairs = [Preference::default(); 6];
        let scores = [1.0, 1.0, 3.0, 0.5];
        let count = all_pairs(&scores, 0.0, &mut pairs)?;
        assert!(ids(&pairs[..count]).eq([(2, 0), (0, 3), (2, 1), (1, 3), (2, 3)]), "{pairs:?}");
        let count = all_pairs(&scores, 2.0, &mut pairs)?;
        assert!(ids(&pairs[..count]).eq([(2, 3)]), "a gap of 2 is not more than 2");
        let allowed = ">= 0 and finite";
        let negative =
            Error::InvalidParameter { op: "rankings/all_pairs", arg: "threshold", given: -1.0, allowed };
        assert_eq!(all_pairs(&scores, -1.0, &mut pairs), Err(negative));
        Ok(())
    }

    #[test]
    fn shares_of_wins() -> Result<(), Error> {
        let mut shares = [9.0; 3];
        win_shares(&[3.0, 2.0, 1.0, 5.0, 7.0, 6.0], 3, &mut shares)?;
        assert_eq!(shares.map(|x| x * 4.0).map(f64::to_bits), [2.0, 3.0, 1.0].map(f64::to_bits));
        // Without ties they sum to K/2; a tie is a win of neither.
        assert!((shares.iter().sum::<f64>() - 1.5).abs() < 1e-15);
        win_shares(&[1.0, 1.0, 0.0], 3, &mut shares)?;
        assert_eq!(shares.map(f64::to_bits), [0.5, 0.5, 0.0].map(f64::to_bits));
        assert!(win_shares(&[], 3, &mut shares).is_err() && win_shares(&[1.0; 4], 3, &mut shares).is_err());
        assert!(win_shares(&[1.0], 1, &mut shares[..1]).is_err());
        Ok(())
    }

    #[test]
    fn both_relabelled_pairs_agree_with_their_goals() -> Result<(), Error> {
        let (rewards, mut pairs) = ([[8.0, 3.0], [2.0, 6.0]], [Relabelled::default(); 4]);
        relabel(&rewards, &mut pairs)?;
        for relabelled in pairs {
            let [w, l] = rewards[relabelled.pair];
            let [preferred, other] = if relabelled.swapped { [l, w] } else { [w, l] };
            let reward = |r: f64| -(relabelled.goal - r).square();
            assert!((reward(preferred) - reward(other) - (w - l).square()).abs() < 1e-12, "{relabelled:?}");
        }
        let (op, allowed) = ("rankings/relabel", "two different rewards");
        let tied = Error::OutOfDomain { op, arg: "rewards", row: 1, given: 0.0, allowed };
        assert_eq!(relabel(&[[1.0, 2.0], [0.0, -0.0]], &mut pairs), Err(tied));
        Ok(())
    }

    /// The worked numbers: three responses of two steps.
    #[test]
    fn margins_of_steps() -> Result<(), Error> {
        let ratios = [[0.6, -0.2], [0.6, 0.3], [-0.4, 0.1]];
        let steps = [[1.0, 0.0, 1.0, 1.0], [1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, -1.0]];
        let known = [(0, 1, -0.426_777), (0, 2, 0.35), (1, 2, 0.529_289)];
        let lambdas = [0.311_905, 0.188_892, 0.298_792];
        let mut loss = 0.0;
        for ((i, j, want), lambda) in known.into_iter().zip(lambdas) {
            let mut weights = [0.0; 2];
            let margin = step_margin(0.5, [&ratios[i], &ratios[j]], [&steps[i], &steps[j]], &mut weights)?;
            assert!((margin - want).abs() < 5e-7, "{i} {j}: {margin}");
            loss += lambda * (-margin).softplus();
        }
        assert!((loss - 0.528_929).abs() < 2e-6, "{loss}");
        Ok(())
    }

    #[test]
    fn weights_of_steps() -> Result<(), Error> {
        let (zeros, mut weights) = ([0.0; 4], [9.0; 4]);
        let a = [1e200, 2e200, 1.0, 0.0, 3.0, -1.0, 0.0, 0.0];
        let b = [1e-200, 2e-200, 0.0, 5.0, -6.0, 2.0, 1.0, 1.0];
        let margin = step_margin(0.5, [&zeros, &zeros], [&a, &b], &mut weights)?;
        assert!(margin.abs() <= 0.0, "steps of equal log-ratios add nothing");
        assert!(
            weights.iter().zip([2.0, 1.0, 0.0, 1.0]).all(|(w, want)| (w - want).abs() < 1e-15),
            "{weights:?}"
        );
        assert!(step_margin(0.0, [&zeros, &zeros], [&a, &b], &mut weights).is_err());
        assert!(step_margin(1.0, [&zeros, &zeros[..3]], [&a, &b], &mut weights).is_err());
        assert!(step_margin(1.0, [&zeros, &zeros], [&a, &b[..6]], &mut weights).is_err());
        assert_eq!(step_margin(1.0, [&[], &[]], [&[], &[]], &mut []).map(f64::to_bits), Ok(0));
        Ok(())
    }
}
