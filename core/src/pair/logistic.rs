//! `pair/logistic`.

use super::Link;
use crate::op::{Op, Paper, Spec};
use crate::sig::Signature;

/// The logistic link of DPO.
///
/// `L = −log σ(z)`, `∂L/∂z = −σ(−z)`. Finite for every finite margin: near `−z` for a large negative one.
/// Label smoothing and its correction are [`Noise`](super::Noise).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Logistic {}

impl Link for Logistic {
    const DIFFERENCE: bool = true;
}

impl Op for Logistic {
    const SPEC: Spec = Spec {
        slug: "pair/logistic",
        title: "logistic link",
        signature: Signature::PairRows,
        formula: "L = -log sigma(z)",
        params: &[],
        papers: &[Paper { authors: "Rafailov et al. 2023", id: "arXiv:2305.18290", place: "eq. 7" }],
    };
}
