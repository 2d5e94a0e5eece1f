//! `pair/apo_zero`.

use super::Link;
use crate::op::{Op, Paper, Spec};
use crate::sig::Signature;

/// Anchored preference optimisation, APO-zero: raises the chosen and lowers the rejected response, each against the
/// reference. Not the *accelerated* preference optimisation that shares the abbreviation.
///
/// `L = σ(−βS_w) + σ(βS_l)`, `∂L/∂S_w = −βσ(βS_w)σ(−βS_w)`, `∂L/∂S_l = βσ(βS_l)σ(−βS_l)`.
/// Written without `1 − σ`, which loses every digit of an easy pair.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct ApoZero {}

impl Link for ApoZero {
    const DIFFERENCE: bool = false;
}

impl Op for ApoZero {
    const SPEC: Spec = Spec {
        slug: "pair/apo_zero",
        title: "anchored preference optimisation, zero anchor",
        signature: Signature::PairRows,
        formula: "L = 1 - sigma(beta S_w) + sigma(beta S_l)",
        params: &[],
        papers: &[Paper {
            authors: "D'Oosterlinck et al. 2024",
            id: "arXiv:2408.06266",
            place: "section 3: APO-zero",
        }],
    };
}
