//! `pair/apo_down`.

use super::Link;
use crate::op::{Op, Paper, Spec};
use crate::sig::Signature;

/// Anchored preference optimisation, APO-down: lowers both responses, the rejected one more.
///
/// `L = σ(βS_w) + σ(−z)`, `∂L/∂S_w = βσ(βS_w)σ(−βS_w) − βσ(z)σ(−z)`, `∂L/∂S_l = βσ(z)σ(−z)`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct ApoDown {}

impl Link for ApoDown {
    const DIFFERENCE: bool = false;
}

impl Op for ApoDown {
    const SPEC: Spec = Spec {
        slug: "pair/apo_down",
        title: "anchored preference optimisation, downward",
        signature: Signature::PairRows,
        formula: "L = sigma(beta S_w) + 1 - sigma(z)",
        params: &[],
        papers: &[Paper {
            authors: "D'Oosterlinck et al. 2024",
            id: "arXiv:2408.06266",
            place: "section 3: APO-down",
        }],
    };
}
