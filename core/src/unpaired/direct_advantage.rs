//! `unpaired/direct_advantage`.

use super::{beta, require_beta};
use crate::Error;
use crate::op::{Op, PARAM_WORDS, Paper, Spec, word};
use crate::sig::Signature;
use crate::sig::token_map::{MapOp, MapPlanes};

/// Direct advantage-based policy optimisation: the log-ratio of a step is fitted to its advantage. The paper's
/// abbreviation belongs to another method by now.
///
/// `u = logp − ref_logp`, both summed over the step's tokens: `L = ½ (A/β − u)²`, `∂L/∂logp = −(A/β − u)`.
/// A gap of 0.1 asks for log-ratios of 5 to 10 at the paper's `β`, which no policy that must sum to 1 can have for all
/// candidates, so the residual does not go to 0. At `u = 0` the gradient is the policy gradient's, `−A/β`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct DirectAdvantage {
    /// Strength of the reference; > 0.
    pub beta: f64,
}

impl Default for DirectAdvantage {
    fn default() -> Self {
        Self { beta: 0.02 }
    }
}

impl MapOp for DirectAdvantage {
    const PLANES: MapPlanes = MapPlanes {
        inputs: &["logp"],
        constants: &["ref_logp", "advantage"],
        outputs: &["loss"],
        gradients: &["d_logp"],
    };
}

impl Op for DirectAdvantage {
    const SPEC: Spec = Spec {
        slug: "unpaired/direct_advantage",
        title: "squared distance of a step's log-ratio from its advantage",
        signature: Signature::TokenMap,
        formula: "loss = (advantage / beta - (logp - ref_logp))^2 / 2",
        params: &[beta("strength of the reference", 0.02)],
        papers: &[Paper {
            authors: "Liu et al. 2024",
            id: "arXiv:2412.18279",
            place: "the policy's loss: advantage regression",
        }],
    };

    fn check(&self) -> Result<(), Error> {
        require_beta(Self::SPEC.slug, "beta", self.beta)
    }

    /// `Params { beta }`.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [word(self.beta), 0, 0, 0]
    }
}
