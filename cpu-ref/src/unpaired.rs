//! Row functions of the family `unpaired`, and what its operators take that is formed beforehand.
//!
//! The baseline of `unpaired/kto` is two operators: `logprob/k1` of responses put behind prompts that are not their own
//! ([`mismatched`](bellwether_core::unpaired::mismatched)), and the mean over the batch. On a GPU the same two kernels
//! leave it in a buffer, where the loss reads it as one value for all: a view with distances of 0.
//!
//! ```
//! use bellwether_core::logprob::{K1, SequenceMean};
//! use bellwether_core::sig::segment_stats::{Keep, PLANES, Segments};
//! use bellwether_core::sig::Reduction;
//! use bellwether_core::unpaired::Kto;
//! use bellwether_cpu_ref::segment_stats::{Values, segment_stats};
//! use bellwether_cpu_ref::token_map::{MapInputs, View, token_map};
//!
//! // Log-probabilities of two responses, each behind its own prompt and behind the other's.
//! let (logp, reference, desirable) = ([-12.0, -15.0], [-13.2, -14.3], [1.0, 0.0]);
//! let (behind_other, reference_behind_other) = ([-20.0, -18.0], [-20.5, -18.1]);
//!
//! let shape = (1, 2);
//! let (x, c) = ([View::packed(&behind_other, 2)], [View::packed(&reference_behind_other, 2)]);
//! let mut k1 = [0.0_f64; 3 * 2]; // kl, d_logp, status
//! token_map(&K1 {}, &MapInputs::new(shape, &x, &c), Reduction::Sum, &mut k1)?;
//! let batch = Segments::Padded { count: 1, len: 2 };
//! let mut kl = [0.0; PLANES.len()];
//! let values = Values { values: &k1[..2], segments: batch, keep: Keep::All };
//! segment_stats(&SequenceMean {}, &values, Reduction::Sum, &mut kl)?; // kl[0] is 0.3
//!
//! let one_for_all = View { data: &kl[..1], row: 0, col: 0 };
//! let x = [View::packed(&logp, 2)];
//! let c = [View::packed(&reference, 2), View::packed(&desirable, 2), one_for_all];
//! let mut result = [0.0; 4 * 2]; // loss, reward, d_logp, status
//! token_map(&Kto::default(), &MapInputs::new(shape, &x, &c), Reduction::Sum, &mut result)?;
//! assert!((result[0] + result[1] - 0.952_535_987_729).abs() < 1e-12);
//! # Ok::<(), bellwether_core::Error>(())
//! ```

mod a2po;
mod apo_zero;
mod bco;
mod direct_advantage;
mod dro;
mod kto;
mod nash_md;
mod soft_critic;

use bellwether_core::{Error, Op, Real, unpaired};

use crate::rows::{Scalar, exactly, finite};

/// Whether a label says desirable.
fn is_desirable<T: Real>(label: T) -> bool {
    label.value() > 0.5
}

/// The weight of a response with this label.
fn weight<T: Real>(label: T, desirable: f64, undesirable: f64) -> T {
    T::lift(if is_desirable(label) { desirable } else { undesirable })
}

/// The optimal value of a prompt, from the rewards of `n` responses of the reference: `β (log Σ exp(r_i/β) − log n)`.
/// Between the rewards' mean (`β → ∞`) and the largest of them (`β → 0`), and 0 of none.
///
/// # Errors
/// `beta` not above 0, a reward that is not finite.
pub fn optimal_value<T: Scalar>(beta: f64, rewards: &[T]) -> Result<T, Error> {
    let op = unpaired::A2po::SPEC.slug;
    bellwether_core::op::require(beta > 0.0 && beta.is_finite(), op, "beta1", beta, "> 0 and finite")?;
    rewards
        .iter()
        .enumerate()
        .try_for_each(|(col, reward)| finite(op, "rewards", (0, col), reward.value()))?;
    let larger = |a: T, &b: &T| if b.value() > a.value() { b } else { a };
    let Some(top) = rewards.first().map(|&first| rewards.iter().fold(first, larger)) else {
        return Ok(T::zero());
    };
    let beta = T::lift(beta);
    // 1 + (the mean of e^x − 1): the mean of nearly equal rewards keeps its digits.
    let over = T::total(rewards.iter().map(|&reward| ((reward - top) / beta).exp_m1()));
    Ok(top + beta * (over / T::lift(rewards.len() as f64)).ln_1p())
}

/// Advantages of the candidates of one state for `unpaired/direct_advantage`: values less their mean. The value of a last
/// step has its reward added beforehand.
///
/// Groups of a batch at once, of any length, are segments: `logprob/sequence_mean` gives the means.
///
/// # Errors
/// `advantages` of another length than `values`, a value that is not finite; `advantages` is then untouched.
pub fn centred_advantages<T: Scalar>(values: &[T], advantages: &mut [T]) -> Result<(), Error> {
    let op = unpaired::DirectAdvantage::SPEC.slug;
    exactly(op, "advantages", advantages, values.len())?;
    values.iter().enumerate().try_for_each(|(col, value)| finite(op, "values", (0, col), value.value()))?;
    let mean = T::total(values.iter().copied()) / T::lift(values.len().max(1) as f64);
    advantages.iter_mut().zip(values).for_each(|(place, &value)| *place = value - mean);
    Ok(())
}

/// Whether a state is worth training on: its best and its worst candidate are at least `gap` apart. The paper takes 0.1,
/// and drops candidates that are equal as texts after this and not before.
#[must_use]
pub fn tells_apart(advantages: &[f64], gap: f64) -> bool {
    let ends = advantages
        .iter()
        .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], &a| [low.min(a), high.max(a)]);
    ends[1] - ends[0] >= gap
}
