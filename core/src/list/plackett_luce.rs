//! `list/plackett_luce`.

use crate::op::{Op, PARAM_WORDS, Paper, Param, Spec};
use crate::sig::Signature;
use crate::sig::list_rows::{ListOp, ListPlanes};

/// The negative log-likelihood of a ranking: the best item is chosen among all, the next among the rest, and so on.
/// Scores are `β` times log-ratios in DPO's form. Two items give `pair/logistic`.
///
/// With `x_k` the score of rank `k` and `L_k = log Σ_{j ≥ k} exp(x_j)`: `L = Σ_k [L_k − x_k]`, of which each term is
/// `softplus(L_{k+1} − x_k)`, over the first `top` ranks (0: all). With `w_k = σ(L_{k+1} − x_k)`, what passes rank `k`:
/// `∂L/∂x_k = (1 − w_k) P_k − [k ≤ top] w_k`, `P_{k+1} = w_k (P_k + [k ≤ top])`, `P_1 = 0`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct PlackettLuce {
    /// How many of the best ranks are choices of the model; 0: all.
    pub top: u32,
}

impl ListOp for PlackettLuce {
    const PLANES: ListPlanes = ListPlanes {
        inputs: &["score"],
        constants: &[],
        outputs: &["loss"],
        gradients: &["d_score"],
        ranked: true,
        least: 1,
    };
}

impl Op for PlackettLuce {
    const SPEC: Spec = Spec {
        slug: "list/plackett_luce",
        title: "negative log-likelihood of a ranking, or of its first places",
        signature: Signature::ListRows,
        formula: "L = -sum_k [score_k - log sum_{j >= k} exp(score_j)], k by rank, k <= top",
        params: &[Param {
            name: "top",
            doc: "how many of the best ranks count; 0: all",
            range: "an integer >= 0",
            default: 0.0,
        }],
        papers: &[Paper { authors: "Rafailov et al. 2023", id: "arXiv:2305.18290", place: "appendix A.3" }],
    };

    /// `Params { top }`.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [self.top, 0, 0, 0]
    }
}
