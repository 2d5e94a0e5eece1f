//! `logprob/token`.

use crate::op::{Op, PARAM_WORDS, Paper, Param, Spec, require, word};
use crate::{Error, Real, sig::Signature};

/// Log-probability of the label and statistics of a row of logits, all from one read.
///
/// With `x = softcap · tanh(logit_scale · logits / softcap) / temperature`, or `logit_scale · logits / temperature`
/// where `softcap` is 0, and `p = softmax(x)`; nats:
///
/// - `lse = log Σ_j exp(x_j)`, `logp = x_y − lse`, `entropy = −Σ_j p_j log p_j`;
/// - `log_sum_sq = log Σ_j p_j²`, minus the Rényi entropy of order 2;
/// - `mean_logit`: the mean of `x_j` over the tokens that are not banned;
/// - `top1`: 1 where `x_y` is the largest, the first of equal ones.
///
/// Backward, for upstream gradients of the first five and `q_j = log p_j`:
/// `∂/∂x_j = d_logp·(1{j=y} − p_j) + d_lse·p_j − d_entropy·p_j·(q_j + entropy)
/// + d_log_sum_sq·2 (p_j²/Σp² − p_j) + d_mean_logit / allowed`, times `dx_j/dlogits_j`.
///
/// A label whose logit is −∞ has `logp = −∞` and `1{j=y} − p_j` as its gradient, as torch has it. Soft-capping leaves
/// −∞ as it is: a banned token stays banned.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Token {
    /// Divides the logits; > 0.
    pub temperature: f64,
    /// Multiplies the logits, before they are capped; > 0.
    pub logit_scale: f64,
    /// The magnitude that logits approach; 0: no soft-capping.
    pub softcap: f64,
}

impl Default for Token {
    fn default() -> Self {
        Self { temperature: 1.0, logit_scale: 1.0, softcap: 0.0 }
    }
}

/// The parameter of everything that reads logits.
pub(super) const TEMPERATURE: Param =
    Param { name: "temperature", doc: "divides the logits", range: "> 0", default: 1.0 };

/// Its range.
pub(super) fn check_temperature(op: &'static str, temperature: f64) -> Result<(), Error> {
    require(temperature > 0.0 && temperature.is_finite(), op, "temperature", temperature, "> 0 and finite")
}

/// The parameters that [`Token`] and [`Linear`](super::Linear) share.
pub(super) const PARAMS: &[Param] = &[
    TEMPERATURE,
    Param {
        name: "logit_scale",
        doc: "multiplies the logits, before they are capped",
        range: "> 0",
        default: 1.0,
    },
    Param {
        name: "softcap",
        doc: "the magnitude that logits approach; 0: no soft-capping",
        range: ">= 0",
        default: 0.0,
    },
];

impl Token {
    /// The defaults at a temperature.
    #[must_use]
    pub fn at(temperature: f64) -> Self {
        Self { temperature, ..Self::default() }
    }

    /// The ranges, for an operator of that name.
    pub(super) fn check_for(&self, op: &'static str) -> Result<(), Error> {
        check_temperature(op, self.temperature)?;
        let (scale, softcap) = (self.logit_scale, self.softcap);
        require(scale > 0.0 && scale.is_finite(), op, "logit_scale", scale, "> 0 and finite")?;
        require(softcap >= 0.0 && softcap.is_finite(), op, "softcap", softcap, ">= 0 and finite")
    }

    /// `x` of a finite logit.
    pub fn scaled<T: Real>(&self, logit: T) -> T {
        let [temperature, scale, cap] = [self.temperature, self.logit_scale, self.softcap].map(T::lift);
        if self.softcap > 0.0 {
            return cap * (scale * logit / cap).tanh() / temperature;
        }
        scale * logit / temperature
    }

    /// `dx/dlogit` at a finite logit.
    pub fn slope<T: Real>(&self, logit: T) -> T {
        let [temperature, scale, cap] = [self.temperature, self.logit_scale, self.softcap].map(T::lift);
        if self.softcap > 0.0 {
            return (T::one() - (scale * logit / cap).tanh().square()) * scale / temperature;
        }
        scale / temperature
    }
}

impl Op for Token {
    const SPEC: Spec = Spec {
        slug: "logprob/token",
        title: "log-probability of the label, logsumexp, entropy and more statistics from logits",
        signature: Signature::TokenRows,
        formula: "x = logit_scale logits / temperature, or softcap tanh(logit_scale logits / softcap) / temperature; \
                  lse = log sum_j exp(x_j); logp = x_y - lse; entropy = -sum_j p_j log p_j; \
                  log_sum_sq = log sum_j p_j^2; mean_logit = mean of x_j; top1 = 1 if y = argmax x",
        params: PARAMS,
        papers: &[Paper {
            authors: "Rafailov et al. 2023",
            id: "arXiv:2305.18290",
            place: "appendix B: log pi(y|x) as a sum of token log-probabilities",
        }],
    };

    fn check(&self) -> Result<(), Error> {
        self.check_for(Self::SPEC.slug)
    }

    /// `Params { scale, squeeze }`: quotients of parameters, rounded once.
    fn words(&self) -> [u32; PARAM_WORDS] {
        if self.softcap > 0.0 {
            return [word(self.softcap / self.temperature), word(self.logit_scale / self.softcap), 0, 0];
        }
        [word(self.logit_scale / self.temperature), 0, 0, 0]
    }
}
