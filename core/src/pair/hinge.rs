//! `pair/hinge`.

use super::Link;
use crate::op::{Op, Paper, Spec};
use crate::sig::Signature;

/// The hinge link of SLiC and RSO: `beta` is the reciprocal of the margin.
///
/// `L = max(0, 1 − β(S_w − S_l))`, `∂L/∂S_w = −β` where the loss is positive, else 0; at the kink 0, as torch has it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Hinge {}

impl Link for Hinge {
    const DIFFERENCE: bool = true;
}

impl Op for Hinge {
    const SPEC: Spec = Spec {
        slug: "pair/hinge",
        title: "hinge link",
        signature: Signature::PairRows,
        formula: "L = max(0, 1 - beta (S_w - S_l))",
        params: &[],
        papers: &[
            Paper {
                authors: "Zhao et al. 2023",
                id: "arXiv:2305.10425",
                place: "section 2: max-margin calibration",
            },
            Paper { authors: "Liu et al. 2023", id: "arXiv:2309.06657", place: "eq. 11" },
        ],
    };
}
