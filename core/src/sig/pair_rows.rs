//! PairRows: log-probabilities of a chosen and a rejected response per row.
//!
//! | role | array | shape |
//! |---|---|---|
//! | differentiable | `chosen`, `rejected`: sequence log-probs of the policy, nats | `[n]` each |
//! | constant | `ref_chosen`, `ref_rejected`: the same under the reference | `[n]` each |
//! | constant | `chosen_len`, `rejected_len`: tokens, for [`Length::TokenMean`](crate::pair::Length) | `[n]` each |
//! | result | planes [`PLANES`] | `[8, n]` |
//!
//! A pair with a NaN or an infinity among its inputs, or with a length below 1 under `TokenMean`, is an error on the
//! CPU and poisoned on the GPU: NaN in every plane but the status. References are inputs even where the loss is
//! reference-free, since rewards read them. An f-divergence score beyond f32 becomes ±∞, and so may the loss; the
//! gradient keeps its sign.
//!
//! Loss and gradients come from one kernel. Losses are per pair, unscaled; gradients are those of the *reduced* loss
//! ([`Reduction`](super::Reduction)). Rewards are `beta` times the log-ratio, as TRL logs them: never f-transformed,
//! never length-normalised, reference subtracted even when the loss is reference-free. `accuracy` is 1 where the
//! chosen reward is strictly larger.

use super::args::args;
use crate::op::word;
use crate::pair::PairLoss;

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
        /// Plane `ref_chosen` of the constant inputs.
        ref_chosen_offset: u32,
        /// Elements from one to the next.
        ref_chosen_stride: u32,
        /// Plane `ref_rejected`.
        ref_rejected_offset: u32,
        /// Elements from one to the next.
        ref_rejected_stride: u32,
        /// Plane `chosen_len`; read under `TokenMean` only.
        chosen_len_offset: u32,
        /// Elements from one to the next.
        chosen_len_stride: u32,
        /// Plane `rejected_len`; read under `TokenMean` only.
        rejected_len_offset: u32,
        /// Elements from one to the next.
        rejected_len_stride: u32,
        /// Strength of the reference.
        beta: f32,
        /// [`Length`](crate::pair::Length) as a number.
        length: u32,
        /// 1: the loss does not see the reference.
        reference_free: u32,
        /// [`Score`](crate::pair::Score) as a number.
        score: u32,
        /// The score's coefficient.
        score_coef: f32,
        /// The score's largest exponent.
        score_cap: f32,
        /// Zero.
        pad0: u32,
        /// Zero.
        pad1: u32,
    }
}

impl PairArgs {
    /// The arguments that follow from a loss; shapes and planes are left at 0.
    #[must_use]
    pub fn of_loss<L>(loss: &PairLoss<L>) -> Self {
        let (score, coef, cap) = loss.score.code();
        Self {
            beta: f32::from_bits(word(loss.beta)),
            length: loss.length.code(),
            reference_free: u32::from(loss.reference_free),
            score,
            score_coef: f32::from_bits(word(coef)),
            score_cap: f32::from_bits(word(cap)),
            ..Self::default()
        }
    }
}
