//! `unpaired/dro`.

use super::{beta, require_beta};
use crate::Error;
use crate::op::{Op, PARAM_WORDS, Paper, Spec, word};
use crate::sig::Signature;
use crate::sig::token_map::{MapOp, MapPlanes};

/// The soft Bellman residual of a whole response, squared: OREO's response-level loss, which has the shape of DRO-V.
///
/// `u = logp − ref_logp` of the response, `V` the value of its prompt, `R` its reward: `ρ = V − R + βu`, `L = ρ²`,
/// `∂L/∂logp = 2βρ`, `∂L/∂value = 2ρ`. The paper trains the value by the residual with a constant `u` and the policy by
/// the residual with a constant `V`; these are the two partial derivatives given here, so both stop-gradients come from
/// handing each model its own gradient. DRO has half of this, and OREO adds its penalty apart.
///
/// All residuals are 0 exactly where `V = β log E exp(R/β)` over the reference and the policy is its tilt by `R/β`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Dro {
    /// Strength of the reference; > 0.
    pub beta: f64,
}

impl Default for Dro {
    fn default() -> Self {
        Self { beta: 0.03 }
    }
}

impl MapOp for Dro {
    const PLANES: MapPlanes = MapPlanes {
        inputs: &["logp", "value"],
        constants: &["ref_logp", "reward"],
        outputs: &["loss"],
        gradients: &["d_logp", "d_value"],
    };
}

impl Op for Dro {
    const SPEC: Spec = Spec {
        slug: "unpaired/dro",
        title: "squared soft Bellman residual of a response, by policy and value",
        signature: Signature::TokenMap,
        formula: "loss = (value - reward + beta (logp - ref_logp))^2",
        params: &[beta("strength of the reference", 0.03)],
        papers: &[
            Paper { authors: "Wang et al. 2024 (OREO)", id: "arXiv:2412.16145", place: "eq. 10" },
            Paper {
                authors: "Richemond et al. 2024 (DRO)",
                id: "arXiv:2405.19107",
                place: "DRO-V, twice its loss",
            },
        ],
    };

    fn check(&self) -> Result<(), Error> {
        require_beta(Self::SPEC.slug, "beta", self.beta)
    }

    /// `Params { beta }`.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [word(self.beta), 0, 0, 0]
    }
}
