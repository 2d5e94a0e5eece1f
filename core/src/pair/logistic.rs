//! `pair/logistic`.

use super::Link;
use crate::op::{Op, PARAM_WORDS, Paper, Param, Spec, require, word};
use crate::{Error, sig::Signature};

/// The logistic link of DPO; with label smoothing, conservative DPO.
///
/// `z = β(S_w − S_l)`, `L = −(1−ε) log σ(z) − ε log σ(−z)`, `∂L/∂z = ε − σ(−z)`.
/// Finite for every finite margin: near `−z` for a large negative one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Logistic {
    /// Probability that a label is flipped; in [0, ½).
    pub label_smoothing: f64,
}

impl Link for Logistic {
    const DIFFERENCE: bool = true;
}

impl Op for Logistic {
    const SPEC: Spec = Spec {
        slug: "pair/logistic",
        title: "logistic link, with conservative label smoothing",
        signature: Signature::PairRows,
        formula: "z = beta (S_w - S_l); L = -(1-e) log sigma(z) - e log sigma(-z), e = label_smoothing",
        params: &[Param {
            name: "label_smoothing",
            doc: "probability that a label is flipped",
            range: "[0, 0.5)",
            default: 0.0,
        }],
        papers: &[
            Paper { authors: "Rafailov et al. 2023", id: "arXiv:2305.18290", place: "eq. 7" },
            Paper {
                authors: "Mitchell 2023",
                id: "https://ericmitchell.ai/cdpo.pdf",
                place: "eq. 3: label smoothing",
            },
        ],
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
