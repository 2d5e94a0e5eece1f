//! `policy/gmpo`.

use super::{Surrogate, epsilon_high, epsilon_low, require_not_negative};
use crate::op::{Op, PARAM_WORDS, Paper, Spec, word};
use crate::{Error, sig::Signature};

/// GMPO: the ratio is the geometric mean of its tokens' ratios, each clipped in log space.
///
/// `u_t := min(u_t, ε_high)` for `A > 0` and `max(u_t, −ε_low)` for the others, then `f = −e^U A`. The gradient by `U` is
/// `f`, and nothing of it reaches a token that was clipped. Meant for [`Level::Sequence`](super::Level::Sequence), where
/// `U` is a mean over tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Gmpo {
    /// How far a log-ratio may fall; ≥ 0.
    pub epsilon_low: f64,
    /// How far a log-ratio may rise; ≥ 0.
    pub epsilon_high: f64,
}

impl Default for Gmpo {
    fn default() -> Self {
        Self { epsilon_low: 0.4, epsilon_high: 0.4 }
    }
}

impl Surrogate for Gmpo {}

impl Op for Gmpo {
    const SPEC: Spec = Spec {
        slug: "policy/gmpo",
        title: "geometric-mean policy optimisation: a clip of each token's log-ratio",
        signature: Signature::PolicyRows,
        formula: "u_t := min(u_t, epsilon_high) if A > 0 else max(u_t, -epsilon_low); f = -exp(U) A",
        params: &[
            epsilon_low("how far a log-ratio may fall", ">= 0", 0.4),
            epsilon_high("how far a log-ratio may rise", ">= 0", 0.4),
        ],
        papers: &[Paper { authors: "Zhao et al. 2025", id: "arXiv:2507.20673", place: "eq. 4" }],
    };

    fn check(&self) -> Result<(), Error> {
        require_not_negative(Self::SPEC.slug, "epsilon_low", self.epsilon_low)?;
        require_not_negative(Self::SPEC.slug, "epsilon_high", self.epsilon_high)
    }

    /// `Params { low, high }`: the ends of a log-ratio.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [word(-self.epsilon_low), word(self.epsilon_high), 0, 0]
    }
}
