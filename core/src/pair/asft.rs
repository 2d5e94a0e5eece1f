//! `pair/asft`.

use super::Link;
use crate::op::{Op, PARAM_WORDS, Paper, Param, Spec, require, word};
use crate::{Error, sig::Signature};

/// Aligned supervised fine-tuning (ASFT) on mean log-probabilities `a ≤ 0`. Not the *anchored* method of that abbreviation.
///
/// `L = −a_w − λ(log σ(o(a_w)) + log σ(−o(a_l))) = −(1+λ)a_w − λ log(1 − e^{a_l})`, `o` the log-odds,
/// `∂L/∂a_w = −(1+λ)`, `∂L/∂a_l = λ/(e^{−a_l} − 1)`. `β` scales rewards only. A rejected response of probability 1 has loss and
/// slope ∞; with sums of log-probabilities the second term vanishes, so use means.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Asft {
    /// Weight of the alignment term; >= 0 and finite.
    pub lambda: f64,
}

impl Default for Asft {
    fn default() -> Self {
        Self { lambda: 1.0 }
    }
}

impl Link for Asft {
    const DIFFERENCE: bool = false;
    const LOG_PROBABILITY: bool = true;
}

impl Op for Asft {
    const SPEC: Spec = Spec {
        slug: "pair/asft",
        title: "aligned supervised fine-tuning through absolute likelihood",
        signature: Signature::PairRows,
        formula: "L = -(1 + lambda) a_w - lambda log(1 - e^{a_l})",
        params: &[Param {
            name: "lambda",
            doc: "weight of the alignment term",
            range: ">= 0 and finite",
            default: 1.0,
        }],
        papers: &[Paper { authors: "Wang et al. 2024", id: "arXiv:2409.10571", place: "the alignment loss" }],
    };

    fn check(&self) -> Result<(), Error> {
        require(
            self.lambda >= 0.0 && self.lambda.is_finite(),
            Self::SPEC.slug,
            "lambda",
            self.lambda,
            ">= 0 and finite",
        )
    }

    /// `Params { lambda }`.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [word(self.lambda), 0, 0, 0]
    }
}
