//! `logprob/k1`.

use crate::op::{Op, Paper, Spec};
use crate::sig::Signature;
use crate::sig::token_map::{MapOp, MapPlanes};

/// The first estimate of KL(policy ‖ reference) from a token drawn from the policy: unbiased, of either sign.
///
/// `d = ref_logp − logp`, `k1 = −d`, `∂k1/∂logp = 1`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct K1 {}

impl MapOp for K1 {
    const PLANES: MapPlanes =
        MapPlanes { inputs: &["logp"], constants: &["ref_logp"], outputs: &["kl"], gradients: &["d_logp"] };
}

impl Op for K1 {
    const SPEC: Spec = Spec {
        slug: "logprob/k1",
        title: "sampled KL(policy || reference): the log-ratio",
        signature: Signature::TokenMap,
        formula: "k1 = logp - ref_logp",
        params: &[],
        papers: &[Paper {
            authors: "Schulman 2020",
            id: "http://joschu.net/blog/kl-approx.html",
            place: "k1",
        }],
    };
}
