//! `logprob/nll`.

use crate::op::{Op, Paper, Spec};
use crate::sig::Signature;
use crate::sig::token_map::{MapOp, MapPlanes};

/// Negative log-likelihood of a token: the loss of supervised fine-tuning.
///
/// `loss = −logp`, `∂loss/∂logp = −1`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Nll {}

impl MapOp for Nll {
    const PLANES: MapPlanes =
        MapPlanes { inputs: &["logp"], constants: &[], outputs: &["loss"], gradients: &["d_logp"] };
}

impl Op for Nll {
    const SPEC: Spec = Spec {
        slug: "logprob/nll",
        title: "negative log-likelihood of each token",
        signature: Signature::TokenMap,
        formula: "loss = -logp",
        params: &[],
        papers: &[Paper {
            authors: "Radford et al. 2018",
            id: "https://cdn.openai.com/research-covers/language-unsupervised/language_understanding_paper.pdf",
            place: "eq. 1",
        }],
    };
}
