//! `returns/gae`.

use crate::op::{Op, Paper, Spec};
use crate::sig::Signature;
use crate::sig::reverse_scan::{ScanOp, ScanPlanes};

/// Generalised advantage estimation, and the returns that a value function is fitted to.
///
/// `δ_t = r_t + discount_t v_t − v_tm1`, `A_t = δ_t + discount_t λ_t A_{t+1}`, nothing behind the last step; returns are
/// `A_t + v_tm1`. `λ = 0` leaves `δ`, `λ = 1` the discounted returns less `v_tm1`. Gradients flow through everything,
/// as in rlax: whoever uses advantages as constants does not ask for them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Gae {}

impl ScanOp for Gae {
    const PLANES: ScanPlanes = ScanPlanes {
        inputs: &["r_t", "discount_t", "lambda_t", "v_tm1", "v_t"],
        constants: &[],
        outputs: &["advantages", "returns"],
        gradients: &["d_r_t", "d_discount_t", "d_lambda_t", "d_v_tm1", "d_v_t"],
    };
}

impl Op for Gae {
    const SPEC: Spec = Spec {
        slug: "returns/gae",
        title: "generalised advantage estimation",
        signature: Signature::ReverseScan,
        formula: "A_t = r_t + discount_t v_t - v_tm1 + discount_t lambda_t A_{t+1}; returns = A_t + v_tm1",
        params: &[],
        papers: &[
            Paper { authors: "Schulman et al. 2015", id: "arXiv:1506.02438", place: "eq. 11 to 16" },
            Paper { authors: "Zheng et al. 2023", id: "arXiv:2307.04964", place: "eq. 11 to 13" },
        ],
    };
}
