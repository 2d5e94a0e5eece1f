//! Score maps.

use crate::Error;
use crate::op::require;

/// How a log-ratio `u` becomes a score: `f'(e^u)` of the f-divergence that regularises the policy, up to a constant.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Score {
    /// `s(u) = u`: the usual log-ratio.
    #[default]
    ReverseKl,
    /// `s(u) = 1 − e^{−u}`.
    ForwardKl,
    /// `s(u) = log 2 + log σ(u)`.
    JsDivergence,
    /// `s(u) = (e^{min((k−1)u, cap)} − 1)/(k − 1)`; `k = 1` is reverse KL. TRL's `f_alpha_divergence_coef` is this
    /// `k`; the paper's α is `1 − k`. Beyond the cap the gradient is 0.
    AlphaDivergence {
        /// `k`; finite.
        coef: f64,
        /// The largest exponent; TRL caps at 80, the paper not at all ([`Score::UNCAPPED`]).
        cap: f64,
    },
    /// `s(u) = clamp(u, log(1−ε), log(1+ε))`: the ratio kept in `[1−ε, 1+ε]`, gradient 0 outside, 1 on the ends.
    ClippedRatio {
        /// `ε`; in (0, 1).
        epsilon: f64,
    },
}

impl Score {
    /// No cap: the largest exponent that a kernel can be told of.
    pub const UNCAPPED: f64 = f32::MAX as f64;

    pub(super) fn check(self, op: &'static str) -> Result<(), Error> {
        match self {
            Self::ReverseKl | Self::ForwardKl | Self::JsDivergence => Ok(()),
            Self::AlphaDivergence { coef, cap } => {
                require(coef.is_finite(), op, "coef", coef, "finite")?;
                require(cap > 0.0, op, "cap", cap, "> 0")
            }
            Self::ClippedRatio { epsilon } => {
                require(epsilon > 0.0 && epsilon < 1.0, op, "epsilon", epsilon, "in (0, 1)")
            }
        }
    }

    /// The score as the kernels know it: a number, a coefficient and a cap.
    #[must_use]
    pub fn code(self) -> (u32, f64, f64) {
        match self {
            Self::ReverseKl => (0, 0.0, Self::UNCAPPED),
            Self::ForwardKl => (1, 0.0, Self::UNCAPPED),
            Self::JsDivergence => (2, 0.0, Self::UNCAPPED),
            Self::AlphaDivergence { coef, cap } => (3, coef, cap.min(Self::UNCAPPED)),
            Self::ClippedRatio { epsilon } => (4, libm::log1p(-epsilon), libm::log1p(epsilon)),
        }
    }
}
