//! PairRows: log-probabilities of a chosen and a rejected response per row.
//!
//! | role | array | shape |
//! |---|---|---|
//! | differentiable | `chosen`, `rejected`: sequence log-probs of the policy, nats | `[n]` each |
//! | constant | `ref_chosen`, `ref_rejected`: the same under the reference | `[n]` each |
//! | constant | `chosen_len`, `rejected_len`: tokens, where the loss [reads](PairLoss::reads_lengths) them | `[n]` each |
//! | constant, optional | `weight`: multiplies the pair's loss; at least 0 (WPO's weights) | `[n]` |
//! | constant, optional | `margin`: what `β(S_w − S_l)` should exceed beside the loss's own (differences of rewards, of Q) | `[n]` |
//! | constant, optional | `preference`: probability that the chosen response is the better one (soft labels); in `[0, 1]` | `[n]` |
//! | result | planes [`PLANES`] | `[8, n]` |
//!
//! A pair with a NaN or an infinity among its inputs, with a length below 1, or with a number outside its range is an
//! error on the CPU and poisoned on the GPU: NaN in every plane but the status. Links on log-probabilities
//! ([`Link::LOG_PROBABILITY`]) ask for `chosen ≤ 0`, and below 0 where a response counts as
//! rejected. An f-divergence score beyond f32 becomes ±∞, and so may the loss; the gradient keeps its sign.
//!
//! Loss and gradients come from one kernel. Losses are per pair, unscaled; gradients are those of the *reduced* loss
//! ([`Reduction`](super::Reduction)). Rewards are `beta` times the log-ratio, as TRL logs them: never f-transformed,
//! never length-normalised; or `beta` times the score ([`Reward`]). `accuracy` is 1 where the
//! chosen reward is strictly larger.

use super::args::args;
use crate::Error;
use crate::op::word;
use crate::pair::{Link, Noise, PairLoss, Reward};

/// The planes of the result.
pub const PLANES: [&str; 8] =
    ["loss", "reward_chosen", "reward_rejected", "margin", "accuracy", "d_chosen", "d_rejected", "status"];
/// Plane of the loss per pair.
pub const LOSS: usize = 0;
/// Plane of `beta · (chosen − ref_chosen)`.
pub const REWARD_CHOSEN: usize = 1;
/// Plane of `beta · (rejected − ref_rejected)`.
pub const REWARD_REJECTED: usize = 2;
/// Plane of the difference of rewards.
pub const MARGIN: usize = 3;
/// Plane of `1 if margin > 0 else 0`.
pub const ACCURACY: usize = 4;
/// Plane of ∂(reduced loss)/∂chosen.
pub const D_CHOSEN: usize = 5;
/// Plane of ∂(reduced loss)/∂rejected.
pub const D_REJECTED: usize = 6;
/// Plane of the [status](crate::status).
pub const STATUS: usize = 7;
/// How many planes from [`LOSS`] on a training log averages.
pub const LOGGED: usize = 5;

args! {
    /// Arguments of `forward`.
    PairArgs {
        /// Pairs.
        n: u32,
        /// Where plane 0 of the result begins.
        result_offset: u32,
        /// Elements from one plane to the next.
        result_stride: u32,
        /// The reduction's scale: multiplies the gradients.
        scale: f32,
        /// Plane `chosen` of the differentiable inputs.
        chosen_offset: u32,
        /// Elements from one to the next.
        chosen_stride: u32,
        /// Plane `rejected`.
        rejected_offset: u32,
        /// Elements from one to the next.
        rejected_stride: u32,
        /// Plane `ref_chosen` of the constant inputs; read where [`REFERENCES`] says so.
        ref_chosen_offset: u32,
        /// Elements from one to the next.
        ref_chosen_stride: u32,
        /// Plane `ref_rejected`; read where [`REFERENCES`] says so.
        ref_rejected_offset: u32,
        /// Elements from one to the next.
        ref_rejected_stride: u32,
        /// Plane `chosen_len`; read where [`LENGTHS`] says so.
        chosen_len_offset: u32,
        /// Elements from one to the next.
        chosen_len_stride: u32,
        /// Plane `rejected_len`; read where [`LENGTHS`] says so.
        rejected_len_offset: u32,
        /// Elements from one to the next.
        rejected_len_stride: u32,
        /// Plane `weight`; read where [`WEIGHTS`] says so.
        weight_offset: u32,
        /// Elements from one to the next.
        weight_stride: u32,
        /// Plane `margin`; read where [`MARGINS`] says so.
        margin_offset: u32,
        /// Elements from one to the next.
        margin_stride: u32,
        /// Plane `preference`; read where [`PREFERENCES`] says so.
        preference_offset: u32,
        /// Elements from one to the next.
        preference_stride: u32,
        /// Which of the planes above are read: a sum of [`LENGTHS`], [`WEIGHTS`], [`MARGINS`], [`PREFERENCES`],
        /// [`REFERENCES`].
        extras: u32,
        /// [`Length`](crate::pair::Length) as a number.
        length: u32,
        /// Strength of the reference.
        beta: f32,
        /// The margin of every pair.
        margin: f32,
        /// Weight of the link's loss: 1 less `flipped`.
        kept: f32,
        /// Weight of the link's loss on the exchanged pair.
        flipped: f32,
        /// Weight of `−chosen`.
        sft: f32,
        /// 1: that term is divided by the length.
        sft_mean: u32,
        /// Weight of `+rejected`.
        optimism: f32,
        /// 1: the loss does not see the reference.
        reference_free: u32,
        /// [`Score`](crate::pair::Score) as a number.
        score: u32,
        /// The score's coefficient, or its least value.
        score_coef: f32,
        /// The score's largest exponent, or its largest value.
        score_cap: f32,
        /// 1: inputs must be log-probabilities.
        log_probability: u32,
        /// [`Reward`] as a number.
        reward: u32,
        /// Zero.
        pad0: u32,
        /// Zero.
        pad1: u32,
        /// Zero.
        pad2: u32,
    }
}

/// Bit of `extras`: lengths are read.
pub const LENGTHS: u32 = 1;
/// Bit of `extras`: pairs have weights.
pub const WEIGHTS: u32 = 2;
/// Bit of `extras`: pairs have margins.
pub const MARGINS: u32 = 4;
/// Bit of `extras`: pairs have preferences.
pub const PREFERENCES: u32 = 8;

/// Bit of `extras`: references are read.
pub const REFERENCES: u32 = 16;

/// Whether a loss can take what pairs bring along.
///
/// # Errors
/// [`Error::InvalidCombination`]: margins that the link does not read, preferences beside [`Noise`].
pub fn check_extras<L: Link>(loss: &PairLoss<L>, margin: bool, preference: bool) -> Result<(), Error> {
    let op = L::SPEC.slug;
    if margin && !L::MARGIN {
        let why = "the link does not read the difference of scores";
        return Err(Error::InvalidCombination { op, arg: "margin", with: "this link", why });
    }
    if preference && loss.noise != Noise::None {
        let why = "a pair's own probability stands in its place";
        return Err(Error::InvalidCombination { op, arg: "preference", with: "noise", why });
    }
    Ok(())
}

impl PairArgs {
    /// The arguments that follow from a loss; shapes and planes are left at 0.
    #[must_use]
    pub fn of_loss<L: Link>(loss: &PairLoss<L>) -> Self {
        let single = |x: f64| f32::from_bits(word(x));
        let (score, coef, cap) = loss.score.code();
        let [kept, flipped] = loss.noise.weights().map(single);
        let (sft, sft_mean) = loss.sft.code();
        Self {
            extras: u32::from(loss.reads_lengths()) * LENGTHS
                + u32::from(loss.reads_reference()) * REFERENCES,
            length: loss.length.code(),
            beta: single(loss.beta),
            margin: single(loss.margin),
            kept,
            flipped,
            sft: single(sft),
            sft_mean,
            optimism: single(loss.optimism),
            reference_free: u32::from(loss.reference_free),
            score,
            score_coef: single(coef),
            score_cap: single(cap),
            log_probability: u32::from(L::LOG_PROBABILITY),
            reward: u32::from(loss.reward == Reward::Score),
            ..Self::default()
        }
    }
}
