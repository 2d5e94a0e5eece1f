//! `logprob/token`.

use crate::op::{Op, PARAM_WORDS, Paper, Param, Spec, require, word};
use crate::{Error, sig::Signature};

/// Log-probability of the label, logsumexp and entropy of a row of logits.
///
/// With `x = logits / temperature`:
/// `lse = log Σ_j exp(x_j)`, `logp = x_y − lse`, `entropy = −Σ_j p_j log p_j` where `p = softmax(x)`; nats.
///
/// Backward, for upstream gradients `d_logp, d_lse, d_entropy` and `q_j = log p_j`:
/// `∂/∂logits_j = [ d_logp·(1{j=y} − p_j) + d_lse·p_j − d_entropy·p_j·(q_j + entropy) ] / temperature`.
///
/// A label whose logit is −∞ has `logp = −∞` and `1{j=y} − p_j` as its gradient, as torch has it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Token {
    /// Divides the logits; > 0.
    pub temperature: f64,
}

impl Default for Token {
    fn default() -> Self {
        Self { temperature: 1.0 }
    }
}

/// The parameter that [`Token`] and [`Linear`](super::Linear) share.
pub(super) const TEMPERATURE: Param =
    Param { name: "temperature", doc: "divides the logits", range: "> 0", default: 1.0 };

/// The range that [`Token`] and [`Linear`](super::Linear) share.
pub(super) fn check_temperature(op: &'static str, temperature: f64) -> Result<(), Error> {
    require(temperature > 0.0 && temperature.is_finite(), op, "temperature", temperature, "> 0 and finite")
}

impl Op for Token {
    const SPEC: Spec = Spec {
        slug: "logprob/token",
        title: "log-probability of the label, logsumexp and entropy from logits",
        signature: Signature::TokenRows,
        formula: "x = logits/temperature; lse = log sum_j exp(x_j); logp = x_y - lse; entropy = -sum_j p_j log p_j",
        params: &[TEMPERATURE],
        papers: &[Paper {
            authors: "Rafailov et al. 2023",
            id: "arXiv:2305.18290",
            place: "appendix B: log pi(y|x) as a sum of token log-probabilities",
        }],
    };

    fn check(&self) -> Result<(), Error> {
        check_temperature(Self::SPEC.slug, self.temperature)
    }

    /// `Params { scale }`: the kernel multiplies by the reciprocal, rounded once.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [word(1.0 / self.temperature), 0, 0, 0]
    }
}
