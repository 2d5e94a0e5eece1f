//! `returns/lambda`.

use crate::op::{Op, Paper, Spec};
use crate::sig::Signature;
use crate::sig::reverse_scan::{ScanOp, ScanPlanes};

/// λ-returns: `G_t = r_t + discount_t ((1 − λ_t) v_t + λ_t G_{t+1})`, where `G` behind the last step is its `v_t`.
///
/// `λ = 0` is the one-step target, `λ = 1` the discounted return with bootstrap. `G_t − v_tm1` is `returns/gae`'s
/// advantage.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Lambda {}

impl ScanOp for Lambda {
    const PLANES: ScanPlanes = ScanPlanes {
        inputs: &["r_t", "discount_t", "lambda_t", "v_t"],
        constants: &[],
        outputs: &["returns"],
        gradients: &["d_r_t", "d_discount_t", "d_lambda_t", "d_v_t"],
    };
}

impl Op for Lambda {
    const SPEC: Spec = Spec {
        slug: "returns/lambda",
        title: "lambda-returns",
        signature: Signature::ReverseScan,
        formula: "G_t = r_t + discount_t ((1 - lambda_t) v_t + lambda_t G_{t+1}), where G behind the last step is its v_t",
        params: &[],
        papers: &[Paper {
            authors: "Sutton & Barto 2018",
            id: "http://incompleteideas.net/book/the-book-2nd.html",
            place: "eq. 12.18",
        }],
    };
}
