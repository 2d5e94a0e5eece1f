//! `pair/discopop`.

use super::Link;
use crate::op::{Op, PARAM_WORDS, Paper, Param, Spec, require, word};
use crate::{Error, sig::Signature};

/// Discovered preference optimisation (DiscoPOP): a logistic loss for wrong pairs that becomes an exponential one.
///
/// `m = σ(z/τ)`, `L = (1−m) softplus(−z) + m e^{−z}`,
/// `∂L/∂z = (1−m)(m (e^{−z} − softplus(−z))/τ − σ(−z)) − m e^{−z}`. Neither convex nor monotone. `m e^{−z}` is one exponential of
/// a sum: as a product it is `0 · ∞` for wrong pairs.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Discopop {
    /// Temperature of the mix; in (0, 1]. Above 1 the loss of a wrong pair would grow like an exponential.
    pub tau: f64,
}

impl Default for Discopop {
    fn default() -> Self {
        Self { tau: 0.05 }
    }
}

impl Link for Discopop {
    const DIFFERENCE: bool = true;
}

impl Op for Discopop {
    const SPEC: Spec = Spec {
        slug: "pair/discopop",
        title: "log-ratio modulated mix of logistic and exponential loss (DiscoPOP)",
        signature: Signature::PairRows,
        formula: "L = sigma(-z/tau) softplus(-z) + sigma(z/tau) exp(-z)",
        params: &[Param { name: "tau", doc: "temperature of the mix", range: "in (0, 1]", default: 0.05 }],
        papers: &[Paper { authors: "Lu et al. 2024", id: "arXiv:2406.08414", place: "the LRML loss" }],
    };

    fn check(&self) -> Result<(), Error> {
        require(self.tau > 0.0 && self.tau <= 1.0, Self::SPEC.slug, "tau", self.tau, "in (0, 1]")
    }

    /// `Params { tau }`.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [word(self.tau), 0, 0, 0]
    }
}
