//! `logprob/top_k`.

use super::token::{PARAMS as TOKEN, Token};
use crate::op::{Op, PARAM_WORDS, Paper, Param, Spec, require};
use crate::sig::top_rows::MOST_K;
use crate::{Error, sig::Signature};

/// The distribution whose entropy is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum TopEntropy {
    /// The k probabilities divided by their sum.
    #[default]
    Renormalised,
    /// The k probabilities as they are; they sum to less than 1.
    Truncated,
}

/// The k largest log-probabilities of a row of logits, their tokens, their mass and their entropy, all from one read.
///
/// `x` and `p` are those of [`Token`]. The set `S` holds the `min(k, allowed)` largest logits, the lower index first
/// among equal ones; it is chosen by the logits themselves, which `x` orders alike. Nats; divide by `ln 2` for bits:
///
/// - `logp` and `index` of each, largest first; where fewer than k tokens are allowed, −∞ and
///   [`NO_TOKEN`](crate::sig::top_rows::NO_TOKEN) fill the rest;
/// - `mass = Σ_{i∈S} p_i`, exactly 1 where `S` holds every token that is allowed;
/// - `entropy = −Σ_{i∈S} r_i log r_i` with `r = p / mass` (renormalised) or `r = p` (truncated):
///   `truncated = mass (renormalised − log mass)`;
/// - `lse = log Σ_j exp(x_j)`.
///
/// Backward, for upstream gradients of these, `q_j = log p_j` and `m_j = 1{j∈S}`:
/// `∂/∂x_j = Σ_{i∈S} d_logp_i·(1{i=j} − p_j) + d_mass·p_j (m_j − mass) + d_lse·p_j + d_entropy·e_j`, where
/// `e_j = −m_j r_j (log r_j + entropy)` (renormalised) or `p_j (mass − entropy − m_j (q_j + 1))` (truncated); times
/// `dx_j/dlogits_j`. `S` is held constant. What stands upstream of an entry that is not there is not read.
///
/// `1 − mass` has the absolute error of `mass`: a tail below 1e-7 is lost in it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct TopK {
    /// How many tokens; 1 to [`MOST_K`]. More than there are tokens is allowed.
    pub k: u32,
    /// The distribution whose entropy is taken.
    pub entropy: TopEntropy,
    /// As in [`Token`].
    pub temperature: f64,
    /// As in [`Token`].
    pub logit_scale: f64,
    /// As in [`Token`].
    pub softcap: f64,
}

impl Default for TopK {
    fn default() -> Self {
        Self::of(10, TopEntropy::Renormalised, Token::default())
    }
}

impl TopK {
    /// The k largest of logits that [`Token`] scales and caps.
    #[must_use]
    pub const fn of(k: u32, entropy: TopEntropy, token: Token) -> Self {
        let Token { temperature, logit_scale, softcap } = token;
        Self { k, entropy, temperature, logit_scale, softcap }
    }

    /// What scales and caps the logits.
    #[must_use]
    pub const fn token(&self) -> Token {
        Token { temperature: self.temperature, logit_scale: self.logit_scale, softcap: self.softcap }
    }

    /// `k` as a length.
    #[must_use]
    pub const fn ranks(&self) -> usize {
        self.k as usize
    }
}

impl Op for TopK {
    const SPEC: Spec = Spec {
        slug: "logprob/top_k",
        title: "the k largest log-probabilities, their tokens, mass and entropy from logits",
        signature: Signature::TopRows,
        formula: "x as logprob/token, p = softmax(x), S = the k largest, lower index first; logp_i = x_i - lse for i in S; \
                  mass = sum_S p_i; entropy = -sum_S r_i log r_i, r = p/mass or r = p",
        params: &[
            Param { name: "k", doc: "how many tokens", range: "1 to 64", default: 10.0 },
            Param {
                name: "entropy",
                doc: "renormalised: of p/mass; truncated: of p",
                range: "renormalised (0), truncated (1)",
                default: 0.0,
            },
            TOKEN[0],
            TOKEN[1],
            TOKEN[2],
        ],
        papers: &[Paper {
            authors: "Shi et al. 2024",
            id: "arXiv:2410.11677",
            place: "entropy over the top k tokens (there in bits) and their probability mass, k = 10",
        }],
    };

    fn check(&self) -> Result<(), Error> {
        let k = self.ranks();
        require((1..=MOST_K).contains(&k), Self::SPEC.slug, "k", self.k.into(), "1 to 64")?;
        self.token().check_for(Self::SPEC.slug)
    }

    /// `Params { scale, squeeze, k, truncated }`: the last two are whole numbers as they are.
    fn words(&self) -> [u32; PARAM_WORDS] {
        let [scale, squeeze, ..] = self.token().words();
        [scale, squeeze, self.k, u32::from(self.entropy == TopEntropy::Truncated)]
    }
}
