//! `returns/discounted`.

use crate::op::{Op, Paper, Spec};
use crate::sig::Signature;
use crate::sig::reverse_scan::{ScanOp, ScanPlanes};

/// Discounted returns: `G_t = r_t + discount_t G_{t+1}`, and `r_t + discount_t v_t` at the last step.
///
/// With discounts of 1 these are sums from each step to the end: a token's reward to go. `v_t` is read at the last step
/// of each row only, so a bootstrap value per row is a view with a distance of columns of 0; at a row that ends in an
/// episode's end it is multiplied by 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Discounted {}

impl ScanOp for Discounted {
    const PLANES: ScanPlanes = ScanPlanes {
        inputs: &["r_t", "discount_t", "v_t"],
        constants: &[],
        outputs: &["returns"],
        gradients: &["d_r_t", "d_discount_t", "d_v_t"],
    };
}

impl Op for Discounted {
    const SPEC: Spec = Spec {
        slug: "returns/discounted",
        title: "discounted returns with a bootstrap value",
        signature: Signature::ReverseScan,
        formula: "G_t = r_t + discount_t G_{t+1}; at the last step G_t = r_t + discount_t v_t",
        params: &[],
        papers: &[Paper {
            authors: "Sutton & Barto 2018",
            id: "http://incompleteideas.net/book/the-book-2nd.html",
            place: "eq. 3.8 and 3.9",
        }],
    };
}
