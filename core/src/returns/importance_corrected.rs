//! `returns/importance_corrected`.

use crate::op::{Op, Paper, Spec};
use crate::sig::Signature;
use crate::sig::reverse_scan::{ScanOp, ScanPlanes};

/// Per-decision importance-corrected λ-errors: `e_t = ρ_t (δ_t + discount_t λ_t e_{t+1})`,
/// `δ_t = r_t + discount_t v_t − v_tm1`, with ratios as they are.
///
/// On policy (`ρ = 1`) these are `returns/gae`'s advantages.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct ImportanceCorrected {}

impl ScanOp for ImportanceCorrected {
    const PLANES: ScanPlanes = ScanPlanes {
        inputs: &["r_t", "v_tm1", "v_t", "rho_tm1"],
        constants: &["discount_t", "lambda_t"],
        outputs: &["errors"],
        gradients: &["d_r_t", "d_v_tm1", "d_v_t", "d_rho_tm1"],
    };
}

impl Op for ImportanceCorrected {
    const SPEC: Spec = Spec {
        slug: "returns/importance_corrected",
        title: "lambda-errors corrected with a ratio per decision",
        signature: Signature::ReverseScan,
        formula: "e_t = rho_tm1 (r_t + discount_t v_t - v_tm1 + discount_t lambda_t e_{t+1})",
        params: &[],
        papers: &[Paper {
            authors: "Sutton & Barto 2018",
            id: "http://incompleteideas.net/book/the-book-2nd.html",
            place: "section 12.9",
        }],
    };
}
