//! `pair/sppo`.

use super::Link;
use crate::op::{Op, Paper, Spec};
use crate::sig::Signature;

/// Self-play preference optimisation (SPPO) with hard labels.
///
/// `L = (S_w − 1/(2β))² + (S_l + 1/(2β))²`, `∂L/∂S_w = 2(S_w − 1/(2β))`, `∂L/∂S_l = 2(S_l + 1/(2β))`.
/// `1/β` is the paper's η. Not scaled by β.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Sppo {}

impl Link for Sppo {
    const DIFFERENCE: bool = false;
}

impl Op for Sppo {
    const SPEC: Spec = Spec {
        slug: "pair/sppo",
        title: "self-play preference optimisation with hard labels",
        signature: Signature::PairRows,
        formula: "L = (S_w - 1/(2 beta))^2 + (S_l + 1/(2 beta))^2",
        params: &[],
        papers: &[Paper { authors: "Wu et al. 2024", id: "arXiv:2405.00675", place: "eq. 4.6" }],
    };
}
