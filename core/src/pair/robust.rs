//! `pair/robust`.

use super::Link;
use crate::op::{Op, PARAM_WORDS, Paper, Param, Spec, require, word};
use crate::{Error, sig::Signature};

/// The noise-corrected logistic link of robust DPO (rDPO): unbiased when labels are flipped with probability ε.
///
/// `z = β(S_w − S_l)`, `L = [−(1−ε) log σ(z) + ε log σ(−z)]/(1 − 2ε)`,
/// `∂L/∂z = −[(1−ε) σ(−z) + ε σ(z)]/(1 − 2ε)`. Unbounded below; may be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Robust {
    /// Probability that a label is flipped; in [0, ½).
    pub label_smoothing: f64,
}

impl Link for Robust {
    const DIFFERENCE: bool = true;
}

impl Op for Robust {
    const SPEC: Spec = Spec {
        slug: "pair/robust",
        title: "logistic link, unbiased under label noise",
        signature: Signature::PairRows,
        formula: "z = beta (S_w - S_l); L = [-(1-e) log sigma(z) + e log sigma(-z)] / (1 - 2e), e = label_smoothing",
        params: &[Param {
            name: "label_smoothing",
            doc: "probability that a label is flipped",
            range: "[0, 0.5)",
            default: 0.0,
        }],
        papers: &[Paper { authors: "Chowdhury et al. 2024", id: "arXiv:2403.00409", place: "eq. 12" }],
    };

    fn check(&self) -> Result<(), Error> {
        let e = self.label_smoothing;
        require((0.0..0.5).contains(&e), Self::SPEC.slug, "label_smoothing", e, "in [0, 0.5)")
    }

    /// `Params { label_smoothing }`.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [word(self.label_smoothing), 0, 0, 0]
    }
}
