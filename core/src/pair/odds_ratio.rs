//! `pair/odds_ratio`.

use super::Link;
use crate::op::{Op, Paper, Spec};
use crate::sig::Signature;

/// The odds-ratio term of ORPO on mean log-probabilities `a ≤ 0`; `β` is the paper's λ and multiplies the loss.
///
/// `L = −β log σ(o(a_w) − o(a_l))`, `o(a) = a − log(1 − e^a)`. With `M = p_w(1−p_l) + p_l(1−p_w)`:
/// `∂L/∂a_w = −β p_l/M`, `∂L/∂a_l = β p_l(1−p_w)/(M(1−p_l))`. The chosen response may have probability 1; a rejected one of
/// probability 1 has loss and slope ∞.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct OddsRatio {}

impl Link for OddsRatio {
    const DIFFERENCE: bool = false;
    const LOG_PROBABILITY: bool = true;
}

impl Op for OddsRatio {
    const SPEC: Spec = Spec {
        slug: "pair/odds_ratio",
        title: "odds-ratio preference optimisation",
        signature: Signature::PairRows,
        formula: "L = -beta log sigma(o(a_w) - o(a_l)), o(a) = a - log(1 - e^a)",
        params: &[],
        papers: &[Paper {
            authors: "Hong et al. 2024",
            id: "arXiv:2403.07691",
            place: "the odds-ratio term",
        }],
    };
}
