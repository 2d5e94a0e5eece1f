//! `pair/exo`.

use super::Link;
use crate::op::{Op, PARAM_WORDS, Paper, Param, Spec, require, word};
use crate::{Error, sig::Signature};

/// Efficient exact optimisation (EXO) of pairs: the reverse KL from the policy's preference to the smoothed label.
///
/// `L = KL(Bernoulli(σ(z)) ‖ Bernoulli(1−ε))`, `∂L/∂z = σ(z)σ(−z)(z − log((1−ε)/ε))`. Zero, with slope 0, at
/// `z = log((1−ε)/ε)`, where conservative DPO is stationary too.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Exo {
    /// Smoothing of the label; in (0, 0.5).
    pub epsilon: f64,
}

impl Default for Exo {
    fn default() -> Self {
        Self { epsilon: 1e-3 }
    }
}

impl Link for Exo {
    const DIFFERENCE: bool = true;
}

impl Op for Exo {
    const SPEC: Spec = Spec {
        slug: "pair/exo",
        title: "reverse KL between preference and smoothed label (EXO)",
        signature: Signature::PairRows,
        formula: "L = sigma(z) (log sigma(z) - log(1-e)) + sigma(-z) (log sigma(-z) - log e), e = epsilon",
        params: &[Param {
            name: "epsilon",
            doc: "smoothing of the label",
            range: "in (0, 0.5)",
            default: 1e-3,
        }],
        papers: &[Paper { authors: "Ji et al. 2024", id: "arXiv:2402.00856", place: "EXO-pref" }],
    };

    fn check(&self) -> Result<(), Error> {
        require(
            self.epsilon > 0.0 && self.epsilon < 0.5,
            Self::SPEC.slug,
            "epsilon",
            self.epsilon,
            "in (0, 0.5)",
        )
    }

    /// `Params { epsilon }`.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [word(self.epsilon), 0, 0, 0]
    }
}
