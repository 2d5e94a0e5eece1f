//! `logprob/linear`.

use super::token::{TEMPERATURE, Token, check_temperature};
use crate::op::{Op, PARAM_WORDS, Paper, Spec};
use crate::{Error, sig::Signature};

/// [`Token`] of `logits = hidden · weightᵀ`, with gradients of hidden states and weight, and without the logits in
/// memory.
///
/// `∂/∂hidden = d_logits · weight`, `∂/∂weight = d_logitsᵀ · hidden`, with `d_logits` as in [`Token`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Linear {
    /// Divides the logits; > 0.
    pub temperature: f64,
}

impl Default for Linear {
    fn default() -> Self {
        Self { temperature: 1.0 }
    }
}

impl Linear {
    /// The operator on the logits.
    #[must_use]
    pub const fn token(&self) -> Token {
        Token { temperature: self.temperature }
    }
}

impl Op for Linear {
    const SPEC: Spec = Spec {
        slug: "logprob/linear",
        title: "log-probability of the label, logsumexp and entropy from hidden states and LM-head weight",
        signature: Signature::FusedLinear,
        formula: "logits = hidden weight^T; the rest as logprob/token",
        params: &[TEMPERATURE],
        papers: &[Paper {
            authors: "Wijmans et al. 2024",
            id: "arXiv:2411.09009",
            place: "section 4: cross-entropy without the logits in memory",
        }],
    };

    fn check(&self) -> Result<(), Error> {
        check_temperature(Self::SPEC.slug, self.temperature)
    }

    fn words(&self) -> [u32; PARAM_WORDS] {
        self.token().words()
    }
}
