//! `logprob/js`.

use super::token::{PARAMS as TOKEN, Token};
use crate::op::{Op, PARAM_WORDS, Paper, Param, Spec, require, word};
use crate::sig::logit_pairs::{DIVERGENCE_PLANES, DIVERGENCE_UPSTREAM, LogitPairOp, PLANES};
use crate::{Error, sig::Signature};

/// The generalised Jensen-Shannon divergence of GKD between policy `p` and reference `q`, in two reads of both rows.
///
/// With `x`, `r`, `p` and `q` those of [`Kl`](super::Kl) and `m = beta·q + (1 − beta)·p`: `beta·KL(q‖m) + (1 − beta)·KL(p‖m)`; nats. Where `beta` is 0 this expression is 0
/// everywhere, and where it is 1 too: there the divergence is `KL(q‖p)` and `KL(p‖q)`, what it tends to when it is
/// divided by `beta` and by `1 − beta`. TRL has the same ends.
///
/// The second read sums terms that cannot be negative, `KL(p‖m) = Σ p (e^l − 1 − l)` with `l = log(m/p)`: nearly equal
/// rows give a tiny, right value.
///
/// Backward, for `d_divergence = 1`: `∂/∂x_j = (1 − beta) p_j (log(p_j/m_j) − KL(p‖m))` and
/// `∂/∂r_j = beta q_j (log(q_j/m_j) − KL(q‖m))`; at the ends those of [`Kl`](super::Kl). `d_logp` adds `1{j=y} − p_j` to the
/// first. Slopes of `x` and `r` as there.
///
/// Between the ends tokens that only one row allows leave it finite; at the ends it is infinite where the
/// [`Kl`](super::Kl) is, with the same status and the same gradients.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Js {
    /// Share of the reference in the mixture; in [0, 1].
    pub beta: f64,
    /// As in [`Token`], of both rows.
    pub temperature: f64,
    /// As in [`Token`], of both rows.
    pub logit_scale: f64,
    /// As in [`Token`], of both rows.
    pub softcap: f64,
}

impl Default for Js {
    fn default() -> Self {
        Self::of(0.5, Token::default())
    }
}

impl Js {
    /// The divergence of logits that [`Token`] scales and caps.
    #[must_use]
    pub const fn of(beta: f64, token: Token) -> Self {
        let Token { temperature, logit_scale, softcap } = token;
        Self { beta, temperature, logit_scale, softcap }
    }
}

impl Op for Js {
    const SPEC: Spec = Spec {
        slug: "logprob/js",
        title: "generalised Jensen-Shannon divergence from reference logits",
        signature: Signature::LogitPairs,
        formula: "p and q as logprob/kl; m = beta q + (1 - beta) p; beta KL(q || m) + (1 - beta) KL(p || m); KL(q || p) where beta = 0, KL(p || q) where beta = 1; reads both rows twice",
        params: &[
            Param {
                name: "beta",
                doc: "share of the reference in the mixture",
                range: "[0, 1], and not within 2^-10 of an end",
                default: 0.5,
            },
            TOKEN[0],
            TOKEN[1],
            TOKEN[2],
        ],
        papers: &[Paper {
            authors: "Agarwal et al. 2023",
            id: "arXiv:2306.13649",
            place: "eq. 1: generalised JSD(beta), P the teacher and Q the student",
        }],
    };

    fn check(&self) -> Result<(), Error> {
        self.token().check_for(Self::SPEC.slug)?;
        let least = super::alpha_divergence::LEAST;
        let rest = 1.0 - self.beta;
        let end = self.beta == 0.0 || rest == 0.0;
        require(
            end || (self.beta >= least && rest >= least),
            Self::SPEC.slug,
            "beta",
            self.beta,
            "0, 1, or in [2^-10, 1 - 2^-10]",
        )
    }

    /// `Params { scale, squeeze, beta, rest }`, `rest = 1 − beta`.
    fn words(&self) -> [u32; PARAM_WORDS] {
        let [scale, squeeze, ..] = self.token().words();
        [scale, squeeze, word(self.beta), word(1.0 - self.beta)]
    }
}

impl LogitPairOp for Js {
    const PLANES: &'static [&'static str; PLANES] = &DIVERGENCE_PLANES;
    const UPSTREAM: &'static [&'static str] = &DIVERGENCE_UPSTREAM;
    fn token(&self) -> Token {
        Token { temperature: self.temperature, logit_scale: self.logit_scale, softcap: self.softcap }
    }
    fn with_token(self, token: Token) -> Self {
        Self::of(self.beta, token)
    }
}
