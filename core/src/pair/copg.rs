//! `pair/copg`.

use super::Link;
use crate::op::{Op, Paper, Spec};
use crate::sig::Signature;

/// Contrastive policy gradient (CoPG) of a pair, to be minimised: the paper maximises `δx − (β/2)x²` with
/// `x = S_w − S_l` and `δ` the difference of rewards, which is the pair's margin; this is the same but for a constant.
///
/// `L = (β/2)(x − δ/β)² = z²/(2β)`, `∂L/∂x = z`. Symmetric: which response is called chosen does not matter.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Copg {}

impl Link for Copg {
    const DIFFERENCE: bool = true;
}

impl Op for Copg {
    const SPEC: Spec = Spec {
        slug: "pair/copg",
        title: "contrastive policy gradient, as a regression",
        signature: Signature::PairRows,
        formula: "L = z^2/(2 beta), z = beta (S_w - S_l) - margin",
        params: &[],
        papers: &[Paper {
            authors: "Flet-Berliac et al. 2024",
            id: "arXiv:2406.19185",
            place: "the sample-based objective, negated",
        }],
    };
}
