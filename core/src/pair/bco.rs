//! `pair/bco`.

use super::Link;
use crate::op::{Op, PARAM_WORDS, Paper, Param, Spec, require, word};
use crate::{Error, sig::Signature};

/// Binary classifier optimisation (BCO) of pairs: the chosen reward above a shift, the rejected one below it.
///
/// `L = −log σ(βS_w − δ) − log σ(δ − βS_l)`, `∂L/∂S_w = −βσ(δ − βS_w)`, `∂L/∂S_l = βσ(βS_l − δ)`. δ is the running mean of
/// both rewards, a number without gradient; TRL and Liger take 0. Anchors of OPA-DPO have this form.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Bco {
    /// Reward shift; finite.
    pub delta: f64,
}

impl Link for Bco {
    const DIFFERENCE: bool = false;
}

impl Op for Bco {
    const SPEC: Spec = Spec {
        slug: "pair/bco",
        title: "binary classifier optimisation of pairs",
        signature: Signature::PairRows,
        formula: "L = -log sigma(beta S_w - delta) - log sigma(delta - beta S_l)",
        params: &[Param { name: "delta", doc: "reward shift", range: "finite", default: 0.0 }],
        papers: &[Paper { authors: "Jung et al. 2024", id: "arXiv:2404.04656", place: "the BCO objective" }],
    };

    fn check(&self) -> Result<(), Error> {
        require(self.delta.is_finite(), Self::SPEC.slug, "delta", self.delta, "finite")
    }

    /// `Params { delta }`.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [word(self.delta), 0, 0, 0]
    }
}
