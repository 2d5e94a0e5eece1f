//! `unpaired/apo_zero`.

use super::{beta, require_beta, require_weights, weight};
use crate::Error;
use crate::op::{Op, PARAM_WORDS, Paper, Spec, word};
use crate::sig::Signature;
use crate::sig::token_map::{MapOp, MapPlanes};

/// Anchored preference optimisation, zero anchor, on single responses: [`Kto`](super::Kto) with a baseline of 0, and
/// `pair/apo_zero` taken apart.
///
/// `u = logp − ref_logp`: `L = w_d σ(−βu)` for a desirable response, `w_u σ(βu)` for another,
/// `∂L/∂logp = ∓ w β σ(βu) σ(−βu)`. The reward is `βu`. The paper has no weights; TRL gives it KTO's.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct ApoZero {
    /// Strength of the reference; > 0.
    pub beta: f64,
    /// Weight of desirable responses; ≥ 0.
    pub desirable_weight: f64,
    /// Weight of the others; ≥ 0.
    pub undesirable_weight: f64,
}

impl Default for ApoZero {
    fn default() -> Self {
        Self { beta: 0.1, desirable_weight: 1.0, undesirable_weight: 1.0 }
    }
}

impl MapOp for ApoZero {
    const PLANES: MapPlanes = MapPlanes {
        inputs: &["logp"],
        constants: &["ref_logp", "desirable"],
        outputs: &["loss", "reward"],
        gradients: &["d_logp"],
    };
}

impl Op for ApoZero {
    const SPEC: Spec = Spec {
        slug: "unpaired/apo_zero",
        title: "anchored preference optimisation, zero anchor, on single responses",
        signature: Signature::TokenMap,
        formula: "u = logp - ref_logp; loss = desirable_weight (1 - sigma(beta u)) if desirable, else \
                  undesirable_weight sigma(beta u); reward = beta u",
        params: &[
            beta("strength of the reference", 0.1),
            weight("desirable_weight", "weight of desirable responses"),
            weight("undesirable_weight", "weight of the others"),
        ],
        papers: &[Paper {
            authors: "D'Oosterlinck et al. 2024",
            id: "arXiv:2408.06266",
            place: "section 3: APO-zero",
        }],
    };

    fn check(&self) -> Result<(), Error> {
        require_beta(Self::SPEC.slug, "beta", self.beta)?;
        require_weights(Self::SPEC.slug, self.desirable_weight, self.undesirable_weight)
    }

    /// `Params { beta, desirable_weight, undesirable_weight }`.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [word(self.beta), word(self.desirable_weight), word(self.undesirable_weight), 0]
    }
}
