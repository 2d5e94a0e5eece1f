//! `list/copg`.

use crate::op::{Op, PARAM_WORDS, Paper, Param, Spec, require, word};
use crate::sig::list_rows::{ListOp, ListPlanes};
use crate::{Error, sig::Signature};

/// Contrastive policy gradient over `k` samples: the spread of the regularised rewards, which are all equal for the
/// optimal policy.
///
/// `R_i = reward_i − β log_ratio_i`, `L = k/(k − 1) Σ_i (R_i − mean R)²`, which is
/// `(1/(k − 1)) Σ_{i > j} (R_i − R_j)²`; `∂L/∂log_ratio_i = −2β k/(k − 1) (R_i − mean R)`. Two samples give `2β` times
/// `pair/copg`. Fewer are flagged.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Copg {
    /// Weight `β` of the log-ratio; > 0 and finite.
    pub beta: f64,
}

impl Default for Copg {
    fn default() -> Self {
        Self { beta: 0.1 }
    }
}

impl ListOp for Copg {
    const PLANES: ListPlanes = ListPlanes {
        inputs: &["log_ratio"],
        constants: &["reward"],
        outputs: &["loss"],
        gradients: &["d_log_ratio"],
        ranked: false,
        least: 2,
    };
}

impl Op for Copg {
    const SPEC: Spec = Spec {
        slug: "list/copg",
        title: "contrastive policy gradient over k samples",
        signature: Signature::ListRows,
        formula: "R = reward - beta log_ratio; L = k/(k - 1) sum_i (R_i - mean R)^2",
        params: &[Param {
            name: "beta",
            doc: "weight of the log-ratio",
            range: "> 0 and finite",
            default: 0.1,
        }],
        papers: &[
            Paper { authors: "Flet-Berliac et al. 2024", id: "arXiv:2406.19185", place: "eq. 17" },
            Paper { authors: "Cohere 2025", id: "arXiv:2504.00698", place: "the form for k samples" },
        ],
    };

    fn check(&self) -> Result<(), Error> {
        require(
            self.beta > 0.0 && self.beta.is_finite(),
            Self::SPEC.slug,
            "beta",
            self.beta,
            "> 0 and finite",
        )
    }

    /// `Params { beta }`.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [word(self.beta), 0, 0, 0]
    }
}
