//! `logprob/kl`.

use super::token::{PARAMS, Token};
use crate::op::{Op, PARAM_WORDS, Paper, Spec};
use crate::sig::logit_pairs::{KL_PLANES, KL_UPSTREAM, LogitPairOp, PLANES};
use crate::{Error, sig::Signature};

/// Both Kullback-Leibler divergences between policy and reference, with the log-probabilities of the label and the
/// policy's entropy, in one read of both rows.
///
/// With `x` and `r` the logits and `ref_logits` as [`Token`] scales and caps them, `p = softmax(x)` and `q = softmax(r)`:
/// `kl_forward = KL(q‖p) = Σ_j q_j (log q_j − log p_j)` (the teacher's or reference's tokens: GKD's forward KL and
/// TDPO's sequential KL), `kl_reverse = KL(p‖q)`; nats.
///
/// Backward, for upstream gradients `d_logp, d_kl_forward, d_kl_reverse, d_entropy`:
/// `∂/∂x_j = d_logp·(1{j=y} − p_j) + d_kl_forward·(p_j − q_j)
/// + d_kl_reverse·p_j (log p_j − log q_j − kl_reverse) − d_entropy·p_j (log p_j + entropy)`,
/// `∂/∂r_j = d_kl_forward·q_j (log q_j − log p_j − kl_forward) + d_kl_reverse·(q_j − p_j)`,
/// times `dx_j/dlogits_j` and `dr_j/dref_logits_j`, which at −∞ are those at 0.
///
/// A token that the reference allows and the policy bans makes `kl_forward` +∞, one that only the policy allows
/// `kl_reverse`; the status says [`DISJOINT`](crate::status::DISJOINT). `p − q` stays the gradient of an infinite
/// `kl_forward` by the policy's logits (and `q − p` that of `kl_reverse` by the reference's), as torch has it; the
/// other gradients of an infinite divergence do not exist and are NaN in the whole row.
///
/// One read leaves an absolute error: between nearly equal rows a divergence may come out as some 1e-7, of either sign.
/// [`Js`](super::Js) with `beta` 0 or 1 is the same divergence in two reads, with all its digits and never negative.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Kl {
    /// As in [`Token`], of both rows.
    pub temperature: f64,
    /// As in [`Token`], of both rows.
    pub logit_scale: f64,
    /// As in [`Token`], of both rows.
    pub softcap: f64,
}

impl Default for Kl {
    fn default() -> Self {
        Self::of(Token::default())
    }
}

impl Kl {
    /// The divergences of logits that [`Token`] scales and caps.
    #[must_use]
    pub const fn of(token: Token) -> Self {
        let Token { temperature, logit_scale, softcap } = token;
        Self { temperature, logit_scale, softcap }
    }
}

impl Op for Kl {
    const SPEC: Spec = Spec {
        slug: "logprob/kl",
        title: "forward and reverse KL divergence from reference logits",
        signature: Signature::LogitPairs,
        formula: "p = softmax(x), q = softmax(r) of logits and ref_logits scaled and capped as logprob/token; kl_forward = sum_j q_j (log q_j - log p_j); kl_reverse = sum_j p_j (log p_j - log q_j); reads both rows once",
        params: PARAMS,
        papers: &[
            Paper {
                authors: "Zeng et al. 2024",
                id: "arXiv:2404.11999",
                place: "section 4.2: sequential forward KL, per position",
            },
            Paper {
                authors: "Agarwal et al. 2023",
                id: "arXiv:2306.13649",
                place: "section 2: forward and reverse KL of a student from a teacher",
            },
        ],
    };

    fn check(&self) -> Result<(), Error> {
        self.token().check_for(Self::SPEC.slug)
    }

    /// `Params { scale, squeeze }`, as [`Token`]'s.
    fn words(&self) -> [u32; PARAM_WORDS] {
        self.token().words()
    }
}

impl LogitPairOp for Kl {
    const PLANES: &'static [&'static str; PLANES] = &KL_PLANES;
    const UPSTREAM: &'static [&'static str] = &KL_UPSTREAM;
    fn token(&self) -> Token {
        Token { temperature: self.temperature, logit_scale: self.logit_scale, softcap: self.softcap }
    }
    fn with_token(self, token: Token) -> Self {
        Self::of(token)
    }
}
