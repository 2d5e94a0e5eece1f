//! `pair/seppo`.

use super::Link;
use crate::op::{Op, Paper, Spec};
use crate::sig::Signature;

/// Semi-policy preference optimisation (SePPO): the second response is one of an earlier policy, and counts as losing only
/// where the policy has become better on the first.
///
/// `s = 1` where `S_w ≥ 0`, else `−1` (no gradient; the tie is ours), `L = softplus(−β(S_w − sS_l))`,
/// `∂L/∂S_w = −βσ(−x)`, `∂L/∂S_l = sβσ(−x)` with `x = β(S_w − sS_l)`. For diffusion models scores are minus the gaps of denoising errors.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Seppo {}

impl Link for Seppo {
    const DIFFERENCE: bool = false;
}

impl Op for Seppo {
    const SPEC: Spec = Spec {
        slug: "pair/seppo",
        title: "semi-policy preference optimisation",
        signature: Signature::PairRows,
        formula: "L = softplus(-beta (S_w - s S_l)), s = 1 if S_w >= 0 else -1",
        params: &[],
        papers: &[Paper { authors: "Zhang et al. 2024", id: "arXiv:2410.05255", place: "eq. 14" }],
    };
}
