//! `pair/square`.

use super::Link;
use crate::op::{Op, Paper, Spec};
use crate::sig::Signature;

/// The square link of IPO.
///
/// `L = (S_w − S_l − 1/(2β))²`, `∂L/∂S_w = 2(S_w − S_l − 1/(2β)) = −∂L/∂S_l`.
/// The paper has sums of log-probabilities; TRL since 1.0 divides by lengths: [`Length::TokenMean`](super::Length).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Square {}

impl Link for Square {
    const DIFFERENCE: bool = true;
}

impl Op for Square {
    const SPEC: Spec = Spec {
        slug: "pair/square",
        title: "squared distance of the margin from 1/(2 beta)",
        signature: Signature::PairRows,
        formula: "L = (S_w - S_l - 1/(2 beta))^2",
        params: &[],
        papers: &[Paper { authors: "Azar et al. 2023", id: "arXiv:2310.12036", place: "eq. 17" }],
    };
}
