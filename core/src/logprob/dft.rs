//! `logprob/dft`.

use crate::op::{Op, Paper, Spec};
use crate::sig::Signature;
use crate::sig::token_map::{MapOp, MapPlanes};

/// Dynamic fine-tuning: the negative log-likelihood of a token, weighted with its own probability, which gets no
/// gradient.
///
/// `loss = −p logp`, `p = e^logp` held constant: `∂loss/∂logp = −p`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Dft {}

impl MapOp for Dft {
    const PLANES: MapPlanes =
        MapPlanes { inputs: &["logp"], constants: &[], outputs: &["loss"], gradients: &["d_logp"] };
}

impl Op for Dft {
    const SPEC: Spec = Spec {
        slug: "logprob/dft",
        title: "dynamic fine-tuning: likelihood weighted with its own probability",
        signature: Signature::TokenMap,
        formula: "loss = -stopgrad(exp(logp)) logp",
        params: &[],
        papers: &[Paper {
            authors: "Wu et al. 2025",
            id: "arXiv:2508.05629",
            place: "section 3: the token-level loss",
        }],
    };
}
