//! `policy/cispo`.

use super::{Surrogate, epsilon_high, require_positive};
use crate::op::{Op, PARAM_WORDS, Paper, Spec, word};
use crate::{Error, sig::Signature};

/// CISPO: a policy gradient on every token, weighted with its ratio, which is cut and not differentiated.
///
/// `f = −sg(min(e^U, ε_high)) A logp`; the gradient by `logp` is `−min(e^U, ε_high) A`, by `U` none. `epsilon_high` is the
/// bound itself, not its distance from 1. Without `old_logp` it is REINFORCE.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Cispo {
    /// The largest weight; > 0 and finite.
    pub epsilon_high: f64,
}

impl Default for Cispo {
    fn default() -> Self {
        Self { epsilon_high: 5.0 }
    }
}

impl Surrogate for Cispo {
    const METRICS: &'static [&'static str] = &["clipped_high"];
}

impl Op for Cispo {
    const SPEC: Spec = Spec {
        slug: "policy/cispo",
        title: "policy gradient with truncated importance weights",
        signature: Signature::PolicyRows,
        formula: "f = -sg(min(exp(U), epsilon_high)) A logp; \
                  clipped_high = share of A > 0 and exp(U) > epsilon_high",
        params: &[epsilon_high("the largest weight", "> 0 and finite", 5.0)],
        papers: &[
            Paper { authors: "MiniMax 2025", id: "arXiv:2506.13585", place: "eq. 4" },
            Paper { authors: "Khatri et al. 2025", id: "arXiv:2510.13786", place: "the bound of 5" },
        ],
    };

    fn check(&self) -> Result<(), Error> {
        require_positive(Self::SPEC.slug, "epsilon_high", self.epsilon_high)
    }

    /// `Params { high }`: the logarithm of the bound.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [word(libm::log(self.epsilon_high)), 0, 0, 0]
    }
}
