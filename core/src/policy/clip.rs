//! `policy/clip`.

use super::{Surrogate, epsilon_high, epsilon_low, require_not_negative};
use crate::op::{Op, PARAM_WORDS, Paper, Param, Spec, require, word};
use crate::{Error, sig::Signature};

/// PPO's clipped surrogate: what a ratio gains beyond the trust region does not count, what it loses does.
///
/// With `r = e^U`, `lo = 1 − ε_low`, `hi = 1 + ε_high`:
/// `f = −min(min(r, δ) A, clamp(r, lo, hi) A)`, which is `−A min(r, hi)` for `A > 0` and `−A max(min(r, δ), lo)` for
/// `A < 0`. The gradient by `U` is `−A r` where `r` itself counts, ends included, and 0 beyond.
///
/// `delta` bounds the loss of a bad token whose probability has grown: dual-clip PPO's `c`, two-sided GRPO's `δ`. It does
/// nothing where it is [`UNCAPPED`](Clip::UNCAPPED), the default.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Clip {
    /// `ε_low`; in [0, 1).
    pub epsilon_low: f64,
    /// `ε_high`; ≥ 0.
    pub epsilon_high: f64,
    /// `δ`: the largest ratio of a bad token; > 1 + ε_high.
    pub delta: f64,
}

impl Clip {
    /// A `delta` that no finite f32 log-ratio of use reaches: none.
    pub const UNCAPPED: f64 = f32::MAX as f64;
}

impl Default for Clip {
    fn default() -> Self {
        Self { epsilon_low: 0.2, epsilon_high: 0.2, delta: Self::UNCAPPED }
    }
}

impl Surrogate for Clip {
    const METRICS: &'static [&'static str] = &["clipped_low", "clipped_high"];
}

impl Op for Clip {
    const SPEC: Spec = Spec {
        slug: "policy/clip",
        title: "PPO's clipped surrogate, with ends of their own and a dual clip",
        signature: Signature::PolicyRows,
        formula: "r = exp(U); f = -min(min(r, delta) A, clamp(r, 1 - epsilon_low, 1 + epsilon_high) A); \
                  clipped_low = share of A < 0 and r < 1 - epsilon_low; \
                  clipped_high = share of A > 0 and r > 1 + epsilon_high",
        params: &[
            epsilon_low("how far a ratio may fall", "in [0, 1)", 0.2),
            epsilon_high("how far a ratio may rise", ">= 0", 0.2),
            Param {
                name: "delta",
                doc: "the largest ratio of a token with a negative advantage",
                range: "> 1 + epsilon_high",
                default: Self::UNCAPPED,
            },
        ],
        papers: &[
            Paper { authors: "Schulman et al. 2017", id: "arXiv:1707.06347", place: "eq. 7" },
            Paper { authors: "Ye et al. 2019", id: "arXiv:1912.09729", place: "dual clip" },
            Paper { authors: "Yu et al. 2025", id: "arXiv:2503.14476", place: "clip-higher" },
        ],
    };

    fn check(&self) -> Result<(), Error> {
        let (op, low) = (Self::SPEC.slug, self.epsilon_low);
        require((0.0..1.0).contains(&low), op, "epsilon_low", low, "in [0, 1)")?;
        require_not_negative(op, "epsilon_high", self.epsilon_high)?;
        let above = self.delta > 1.0 + self.epsilon_high && self.delta <= Self::UNCAPPED;
        require(above, op, "delta", self.delta, "> 1 + epsilon_high, and at most f32's largest number")
    }

    /// `Params { low, high, cap }`: logarithms of the ends.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [
            word(libm::log1p(-self.epsilon_low)),
            word(libm::log1p(self.epsilon_high)),
            word(libm::log(self.delta)),
            0,
        ]
    }
}
