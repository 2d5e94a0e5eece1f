//! `list/leave_one_out`.

use crate::op::{Op, Paper, Spec};
use crate::sig::Signature;
use crate::sig::list_rows::{ListOp, ListPlanes};

/// KL(policy ‖ reference) from `k` samples of the policy, with the score-function gradient and the mean of the other
/// samples as baseline: the online term of `HyPO`.
///
/// `f_i = logp_i − ref_logp_i`, `kl = mean f`. The gradient is that of a surrogate, `(1/k) Σ_i A_i logp_i` with
/// `A_i = f_i − mean_{j ≠ i} f_j` held constant, and not that of `kl`: `∂/∂logp_i = A_i/k`. Fewer than two samples are flagged.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct LeaveOneOut {}

impl ListOp for LeaveOneOut {
    const PLANES: ListPlanes = ListPlanes {
        inputs: &["logp"],
        constants: &["ref_logp"],
        outputs: &["kl"],
        gradients: &["d_logp"],
        ranked: false,
        least: 2,
    };
}

impl Op for LeaveOneOut {
    const SPEC: Spec = Spec {
        slug: "list/leave_one_out",
        title: "sampled KL(policy || reference) with a leave-one-out gradient",
        signature: Signature::ListRows,
        formula: "f = logp - ref_logp; kl = mean f; d_logp_i = (f_i - mean_{j != i} f_j)/k",
        params: &[],
        papers: &[
            Paper { authors: "Song et al. 2024", id: "arXiv:2406.01462", place: "the online KL term" },
            Paper {
                authors: "Kool et al. 2019",
                id: "https://openreview.net/forum?id=r1lgTGL5DE",
                place: "the baseline",
            },
        ],
    };
}
