//! `logprob/linear`.

use super::token::{PARAMS, Token};
use crate::op::{Op, PARAM_WORDS, Paper, Spec};
use crate::{Error, sig::Signature};

/// [`Token`] of `logits = hidden · weightᵀ + bias`, with gradients of hidden states, weight and bias, and without the
/// logits in memory.
///
/// `∂/∂hidden = d_logits · weight`, `∂/∂weight = d_logitsᵀ · hidden`, `∂/∂bias = Σ_i d_logits_i`, with `d_logits` as in
/// [`Token`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct Linear {
    /// The operator on the logits.
    pub token: Token,
}

impl Linear {
    /// The defaults at a temperature.
    #[must_use]
    pub fn at(temperature: f64) -> Self {
        Self { token: Token::at(temperature) }
    }
}

impl Op for Linear {
    const SPEC: Spec = Spec {
        slug: "logprob/linear",
        title: "the statistics of logprob/token from hidden states and LM-head weight",
        signature: Signature::FusedLinear,
        formula: "logits = hidden weight^T + bias; the rest as logprob/token",
        params: PARAMS,
        papers: &[Paper {
            authors: "Wijmans et al. 2024",
            id: "arXiv:2411.09009",
            place: "section 4: cross-entropy without the logits in memory",
        }],
    };

    fn check(&self) -> Result<(), Error> {
        self.token.check_for(Self::SPEC.slug)
    }

    fn words(&self) -> [u32; PARAM_WORDS] {
        self.token.words()
    }
}
