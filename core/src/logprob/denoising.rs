//! `logprob/denoising`.

use crate::op::{Op, Paper, Spec};
use crate::sig::Signature;
use crate::sig::token_map::{MapOp, MapPlanes};

/// What stands for a log-probability in diffusion models: minus the squared error of a denoising step, per element of
/// the latent.
///
/// `d = predicted − noise`, `score = −d²`, `∂score/∂predicted = −2d`. `logprob/sequence_mean` over the `N` elements of a
/// sample makes the `[B]` numbers that `pair/diffusion_dpo`, `pair/d3po` and `pair/seppo_diffusion` take, of policy and
/// reference, and hands each element the pair's gradient over `N`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Denoising {}

impl MapOp for Denoising {
    const PLANES: MapPlanes = MapPlanes {
        inputs: &["predicted"],
        constants: &["noise"],
        outputs: &["score"],
        gradients: &["d_predicted"],
    };
}

impl Op for Denoising {
    const SPEC: Spec = Spec {
        slug: "logprob/denoising",
        title: "minus the squared error of a denoising step",
        signature: Signature::TokenMap,
        formula: "d = predicted - noise; score = -d^2",
        params: &[],
        papers: &[Paper {
            authors: "Wallace et al. 2023",
            id: "arXiv:2311.12908",
            place: "eq. 14: the errors of a pair",
        }],
    };
}
