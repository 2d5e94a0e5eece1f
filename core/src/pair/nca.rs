//! `pair/nca`.

use super::Link;
use crate::op::{Op, Paper, Spec};
use crate::sig::Signature;

/// Noise-contrastive alignment (NCA) of pairs: pulls each score by itself, not only their difference.
///
/// `L = −log σ(βS_w) − ½ log σ(−βS_w) − ½ log σ(−βS_l)`,
/// `∂L/∂S_w = β(½ σ(βS_w) − σ(−βS_w))`, `∂L/∂S_l = ½β σ(βS_l)`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Nca {}

impl Link for Nca {
    const DIFFERENCE: bool = false;
}

impl Op for Nca {
    const SPEC: Spec = Spec {
        slug: "pair/nca",
        title: "noise-contrastive alignment of pairs",
        signature: Signature::PairRows,
        formula: "L = -log sigma(beta S_w) - (log sigma(-beta S_w) + log sigma(-beta S_l))/2",
        params: &[],
        papers: &[Paper { authors: "Chen et al. 2024", id: "arXiv:2402.05369", place: "eq. 12" }],
    };
}
