//! The sequential divergence of token-level DPO: what a response's score has beside its log-ratio.

use crate::Error;
use crate::op::require;

/// TDPO's term: a response's score is `D + κ F`, `D = Σ_t (logp_t − ref_logp_t)` and `F = Σ_t KL(ref‖policy)` over the
/// positions that count (`logprob/kl`'s forward divergence), so that `z = β((D_w + κF_w) − (D_l + κF_l))` (Zeng et al.
/// 2024, arXiv:2404.11999, eq. 10 and 12).
///
/// Gradient by a logit `j` of a position, `g` that of the loss by the score, `p` and `q` policy and reference:
/// `g (1{j=y} − p_j + κ' (p_j − q_j))`, `κ' = κ`, and 0 for a chosen response whose divergence has a stop-gradient.
/// The logged reward is `β(D + κF)`.
///
/// ```
/// use bellwether_core::pair::SequentialKl;
/// assert!(SequentialKl::TDPO2.check().is_ok());
/// assert!(SequentialKl { weight: -1.0, ..SequentialKl::TDPO1 }.check().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SequentialKl {
    /// κ; ≥ 0. With 0 the loss is that without divergences.
    pub weight: f64,
    /// Whether the chosen response's divergence has a gradient.
    pub chosen_gradient: bool,
}

impl SequentialKl {
    /// The first form: the whole divergence, with its gradient.
    pub const TDPO1: Self = Self { weight: 1.0, chosen_gradient: true };
    /// The second form: half of it (the paper's α), the chosen response's without gradient.
    pub const TDPO2: Self = Self { weight: 0.5, chosen_gradient: false };

    /// Whether the weight is in its range.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`].
    pub const fn check(&self) -> Result<(), Error> {
        let fine = self.weight >= 0.0 && self.weight.is_finite();
        require(fine, "tdpo_step", "weight", self.weight, ">= 0 and finite")
    }

    /// κ' of the chosen and of the rejected response.
    #[must_use]
    pub const fn slopes(&self) -> [f64; 2] {
        [if self.chosen_gradient { self.weight } else { 0.0 }, self.weight]
    }
}
