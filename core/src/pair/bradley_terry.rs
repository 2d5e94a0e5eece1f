//! `pair/bradley_terry`.

use super::Link;
use crate::op::{Op, PARAM_WORDS, Paper, Param, Spec, require, word};
use crate::{Error, sig::Signature};

/// The loss of a reward model: scores are rewards (reference-free, `β = 1`), the margin is the pair's own.
///
/// `L = −log σ(z) + c(S_w + S_l)²`, `∂L/∂S_w = −βσ(−z) + 2c(S_w + S_l)`, `∂L/∂S_l = βσ(−z) + 2c(S_w + S_l)`.
/// The second term keeps rewards near 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct BradleyTerry {
    /// Weight of the centring term; >= 0 and finite.
    pub center: f64,
}

impl Link for BradleyTerry {
    const DIFFERENCE: bool = false;
    const MARGIN: bool = true;
}

impl Op for BradleyTerry {
    const SPEC: Spec = Spec {
        slug: "pair/bradley_terry",
        title: "Bradley-Terry reward model, centred",
        signature: Signature::PairRows,
        formula: "L = -log sigma(z) + center (S_w + S_l)^2",
        params: &[Param {
            name: "center",
            doc: "weight of the centring term",
            range: ">= 0 and finite",
            default: 0.0,
        }],
        papers: &[
            Paper { authors: "Ouyang et al. 2022", id: "arXiv:2203.02155", place: "the reward model's loss" },
            Paper { authors: "Touvron et al. 2023", id: "arXiv:2307.09288", place: "the margin" },
            Paper { authors: "Eisenstein et al. 2023", id: "arXiv:2312.09244", place: "the centring term" },
        ],
    };

    fn check(&self) -> Result<(), Error> {
        require(
            self.center >= 0.0 && self.center.is_finite(),
            Self::SPEC.slug,
            "center",
            self.center,
            ">= 0 and finite",
        )
    }

    /// `Params { center }`.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [word(self.center), 0, 0, 0]
    }
}
