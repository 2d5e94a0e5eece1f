//! `pair/regression`.

use super::Link;
use crate::op::{Op, Paper, Spec};
use crate::sig::Signature;

/// Regression of the scaled log-ratio margin on a difference of rewards: REBEL, with `β = 1/η` and the pair's margin the
/// difference of the two rewards.
///
/// `L = z²`, `∂L/∂z = 2z`. With a margin of ½ it is `β²` times IPO.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Regression {}

impl Link for Regression {
    const DIFFERENCE: bool = true;
}

impl Op for Regression {
    const SPEC: Spec = Spec {
        slug: "pair/regression",
        title: "squared error of the scaled margin (REBEL)",
        signature: Signature::PairRows,
        formula: "L = z^2, z = beta (S_w - S_l) - margin",
        params: &[],
        papers: &[Paper { authors: "Gao et al. 2024", id: "arXiv:2404.16767", place: "the REBEL objective" }],
    };
}
