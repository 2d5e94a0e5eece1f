//! Which tokens and sequences a policy-gradient loss learns from: masks that are made of a whole batch, as inputs of
//! [`policy_rows`](crate::policy_rows). There are no kernels: one needs a quantile, the other is a mean and a comparison.

use bellwether_core::op::require;
use bellwether_core::{Error, Op, policy::Clip};

use crate::rows::{Scalar, exactly, finite, product};

/// 1 for the tokens whose entropy is at least the `quantile` of those that count, else 0: the tokens at which a policy
/// decides something (Wang et al. 2025, arXiv:2506.01939). The quantile lies between two neighbours in order, linearly.
/// Where nothing counts, nothing is kept. `scratch` has room for every entropy.
///
/// ```
/// # use bellwether_cpu_ref::policy_masks::high_entropy_mask;
/// let (mut scratch, mut keep) = ([0.0; 4], [0; 4]);
/// high_entropy_mask(&[0.5, 2.0, 0.1, f64::NAN], Some(&[1, 1, 1, 0]), 0.5, &mut scratch, &mut keep)?;
/// assert_eq!(keep, [1, 1, 0, 0]);
/// # Ok::<(), bellwether_core::Error>(())
/// ```
///
/// # Errors
/// A quantile outside [0, 1], lengths that disagree, a NaN or an infinity that counts; `keep` is then untouched.
pub fn high_entropy_mask<T: Scalar>(
    entropy: &[T],
    mask: Option<&[u32]>,
    quantile: f64,
    scratch: &mut [T],
    keep: &mut [u32],
) -> Result<(), Error> {
    let op = Clip::SPEC.slug;
    require((0.0..=1.0).contains(&quantile), op, "quantile", quantile, "in [0, 1]")?;
    exactly(op, "mask", mask.unwrap_or(&[]), mask.map_or(0, |_| entropy.len()))?;
    exactly(op, "scratch", scratch, entropy.len())?;
    exactly(op, "keep", keep, entropy.len())?;
    let counts = |i: usize| mask.is_none_or(|mask| mask[i] != 0);
    let mut n = 0;
    for (i, &x) in entropy.iter().enumerate().filter(|&(i, _)| counts(i)) {
        finite(op, "entropy", (0, i), x.value())?;
        scratch[n] = x;
        n += 1;
    }
    let held = &mut scratch[..n];
    held.sort_unstable_by(|a, b| a.value().total_cmp(&b.value()));
    let place = quantile * n.saturating_sub(1) as f64;
    let (below, share) = (place as usize, T::lift(place - libm::floor(place)));
    let threshold = held.get(below).map(|&low| {
        let high = held.get(below + 1).copied().unwrap_or(low);
        low + share * (high - low)
    });
    for (i, (keep, x)) in keep.iter_mut().zip(entropy).enumerate() {
        *keep = u32::from(counts(i) && threshold.is_some_and(|least| x.value() >= least.value()));
    }
    Ok(())
}

/// The weight of each sequence: 0 where its advantage is negative and the policy has moved away from the one that sampled
/// it, `mean(sampled_logp − logp) > threshold` over its tokens; else 1 (DeepSeek-V3.2, arXiv:2512.02556, eq. 9).
///
/// The arrays are `logp` and `sampled_logp`, `[rows, len]`, and `advantage`, `[rows]`. A sequence without tokens that count
/// is kept.
///
/// # Errors
/// Lengths that disagree, a NaN or an infinity that counts, a threshold that is none; `weight` is then untouched.
pub fn off_policy_weight<T: Scalar>(
    [logp, sampled_logp, advantage]: [&[T]; 3],
    len: usize,
    mask: Option<&[u32]>,
    threshold: f64,
    weight: &mut [T],
) -> Result<(), Error> {
    let op = Clip::SPEC.slug;
    require(threshold.is_finite(), op, "threshold", threshold, "finite")?;
    let n = product(op, "logp", weight.len(), len)?;
    exactly(op, "logp", logp, n)?;
    exactly(op, "sampled_logp", sampled_logp, n)?;
    exactly(op, "advantage", advantage, weight.len())?;
    exactly(op, "mask", mask.unwrap_or(&[]), mask.map_or(0, |_| n))?;
    let counted = |row: usize| (row * len..(row + 1) * len).filter(|&i| mask.is_none_or(|mask| mask[i] != 0));
    for (row, advantage) in advantage.iter().enumerate() {
        finite(op, "advantage", (row, 0), advantage.value())?;
        for i in counted(row) {
            finite(op, "logp", (row, i - row * len), logp[i].value())?;
            finite(op, "sampled_logp", (row, i - row * len), sampled_logp[i].value())?;
        }
    }
    for (row, weight) in weight.iter_mut().enumerate() {
        let moved = T::total(counted(row).map(|i| sampled_logp[i] - logp[i]));
        let mean = moved / T::lift(counted(row).count().max(1) as f64);
        let dropped = advantage[row].value() < 0.0 && mean.value() > threshold;
        *weight = if dropped { T::zero() } else { T::one() };
    }
    Ok(())
}
