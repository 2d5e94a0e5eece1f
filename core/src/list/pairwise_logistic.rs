//! `list/pairwise_logistic`.

use crate::op::{Op, PARAM_WORDS, Paper, Param, Spec};
use crate::sig::Signature;
use crate::sig::list_rows::{ListOp, ListPlanes};

/// The logistic loss of every pair of a list whose gains differ, each weighted with what an exchange of the two would
/// cost the discounted gain of the ranking.
///
/// `L = Σ_{g_i > g_j} λ_ij softplus(s_j − s_i)`, `λ_ij = (g_i − g_j) · |1/ln(1 + r_i) − 1/ln(1 + r_j)|`, or 1 where
/// `unit` is set. `∂L/∂s_i = Σ_{g_j < g_i} −λ_ij σ(s_j − s_i) + Σ_{g_j > g_i} λ_ji σ(s_i − s_j)`: λ is a constant.
///
/// Gains are `2^label − 1` in the papers; pairs of equal gains do not count. Ranks are the labels' order (`RankDPO`,
/// whose score is this one with its sign changed) or the model's own (LiPO-λ, TPO on preference trees). The natural logarithm: base 2
/// multiplies the loss by `ln 2`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct PairwiseLogistic {
    /// Whether every pair has weight 1, whatever its gains and ranks.
    pub unit: bool,
}

impl ListOp for PairwiseLogistic {
    const PLANES: ListPlanes = ListPlanes {
        inputs: &["score"],
        constants: &["gain"],
        outputs: &["loss"],
        gradients: &["d_score"],
        ranked: true,
        least: 1,
    };
}

impl Op for PairwiseLogistic {
    const SPEC: Spec = Spec {
        slug: "list/pairwise_logistic",
        title: "logistic loss of all pairs of a list, weighted with their discounted gains",
        signature: Signature::ListRows,
        formula: "L = sum_{gain_i > gain_j} lambda_ij softplus(score_j - score_i); lambda_ij = (gain_i - gain_j) |1/ln(1 + rank_i) - 1/ln(1 + rank_j)|",
        params: &[Param {
            name: "unit",
            doc: "whether every lambda is 1",
            range: "false or true (0 or 1)",
            default: 0.0,
        }],
        papers: &[
            Paper { authors: "Liu et al. 2024", id: "arXiv:2402.01878", place: "LiPO-lambda" },
            Paper { authors: "Karthik et al. 2024", id: "arXiv:2410.18013", place: "eqs. 6 and 7" },
            Paper { authors: "Liao et al. 2024", id: "arXiv:2410.12854", place: "eqs. 7 and 8" },
        ],
    };

    /// `Params { unit }`.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [self.unit.into(), 0, 0, 0]
    }
}
