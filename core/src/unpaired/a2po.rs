//! `unpaired/a2po`.

use super::{beta, require_beta};
use crate::Error;
use crate::op::{Op, PARAM_WORDS, Paper, Param, Spec, word};
use crate::sig::Signature;
use crate::sig::token_map::{MapOp, MapPlanes};

/// Optimal advantage regression, A*-PO: the log-ratio of a response is fitted to its reward above the prompt's optimal
/// value, which was estimated beforehand.
///
/// `u = logp − ref_logp`: `L = (β₂u − (r − V*))²`, `∂L/∂logp = 2β₂ (β₂u − (r − V*))`.
/// `V* = β₁ (log Σ exp(r_i/β₁) − log n)` over `n` responses of the reference to the prompt: `logprob/token` with a
/// temperature of `β₁` gives the logsumexp, and the CPU's reference has it as `unpaired::optimal_value`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct A2po {
    /// Strength of the reference in the regression; > 0. Not the temperature of the value, `β₁`.
    pub beta2: f64,
}

impl Default for A2po {
    fn default() -> Self {
        Self { beta2: 1e-3 }
    }
}

impl MapOp for A2po {
    const PLANES: MapPlanes = MapPlanes {
        inputs: &["logp"],
        constants: &["ref_logp", "reward", "optimal_value"],
        outputs: &["loss"],
        gradients: &["d_logp"],
    };
}

impl Op for A2po {
    const SPEC: Spec = Spec {
        slug: "unpaired/a2po",
        title: "squared distance of the log-ratio from the optimal advantage",
        signature: Signature::TokenMap,
        formula: "loss = (beta2 (logp - ref_logp) - (reward - optimal_value))^2",
        params: &[Param { name: "beta2", ..beta("strength of the reference in the regression", 1e-3) }],
        papers: &[Paper {
            authors: "Brantley et al. 2025",
            id: "arXiv:2505.20686",
            place: "A*-PO: the regression of its second stage",
        }],
    };

    fn check(&self) -> Result<(), Error> {
        require_beta(Self::SPEC.slug, "beta2", self.beta2)
    }

    /// `Params { beta2 }`.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [word(self.beta2), 0, 0, 0]
    }
}
