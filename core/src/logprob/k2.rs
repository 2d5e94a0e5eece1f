//! `logprob/k2`.

use crate::op::{Op, Paper, Spec};
use crate::sig::Signature;
use crate::sig::token_map::{MapOp, MapPlanes};

/// The second estimate of KL(policy ‖ reference) from a token drawn from the policy: biased, never negative; its mean
/// gradient on the policy's own tokens is that of the divergence.
///
/// `d = ref_logp − logp`, `k2 = d²/2`, `∂k2/∂logp = −d`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct K2 {}

impl MapOp for K2 {
    const PLANES: MapPlanes =
        MapPlanes { inputs: &["logp"], constants: &["ref_logp"], outputs: &["kl"], gradients: &["d_logp"] };
}

impl Op for K2 {
    const SPEC: Spec = Spec {
        slug: "logprob/k2",
        title: "sampled KL(policy || reference): half the squared log-ratio",
        signature: Signature::TokenMap,
        formula: "d = ref_logp - logp; k2 = d^2 / 2",
        params: &[],
        papers: &[Paper {
            authors: "Schulman 2020",
            id: "http://joschu.net/blog/kl-approx.html",
            place: "k2",
        }],
    };
}
