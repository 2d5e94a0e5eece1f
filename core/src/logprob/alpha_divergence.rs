//! `logprob/alpha_divergence`.

use super::token::{PARAMS as TOKEN, Token};
use crate::op::{Op, PARAM_WORDS, Paper, Param, Spec, require, word};
use crate::sig::logit_pairs::{DIVERGENCE_PLANES, DIVERGENCE_UPSTREAM, LogitPairOp, PLANES};
use crate::{Error, sig::Signature};

/// How near `alpha` may come to 0 and 1, where the formula divides by 0, and `beta` of [`Js`](super::Js) to its ends.
pub const LEAST: f64 = 0.000_976_562_5;
/// The largest magnitude of `alpha`.
pub const MOST: f64 = 64.0;

/// The α-divergence between policy `p` and reference `q`, in two reads of both rows.
///
/// `p`, `q`, `x` and `r` are those of [`Kl`](super::Kl). `D = Σ_j q_j f(p_j/q_j)`, `f(t) = (t^α − α t − (1 − α)) / (α (α − 1))`, which is
/// `(Σ_j p_j^α q_j^(1−α) − 1) / (α (α − 1))`; nats. As α goes to 1 it becomes `KL(p‖q)`, as α goes to 0 `KL(q‖p)`; at
/// 1/2 it is 4 times the squared Hellinger distance `1 − Σ √(p q)`, at 2 half of χ².
///
/// This α is TRL's (`f_alpha_divergence_coef`) and Amari's in Cichocki's writing; the α of the f-DPO paper is `1 − α`.
///
/// The second read sums terms that cannot be negative: `q [k(α u) − α k(u)] / (α (α − 1))` with
/// `k(u) = e^u − 1 − u`, `u = log p − log q`. Powers are formed as `exp(α log p + (1 − α) log q)`, so they overflow
/// only where the divergence does.
///
/// Backward, for `d_divergence = 1`, with `w = ((p/q)^(α−1) − 1)/(α − 1)` and `w′ = (1 − (p/q)^α)/α`:
/// `∂/∂x_j = p_j (w_j − α D)`, `∂/∂r_j = q_j (w′_j − (1 − α) D)`. `d_logp` adds `1{j=y} − p_j` to the first. Slopes of `x` and
/// `r` as there.
///
/// Where α > 1 it is +∞ when the policy allows a token that the reference bans, where α < 0 the other way round; its
/// gradients are then NaN in the whole row, and the status says [`DISJOINT`](crate::status::DISJOINT). Between 0 and 1
/// it is finite.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct AlphaDivergence {
    /// The order α; not 0 and not 1, which are the two KL divergences.
    pub alpha: f64,
    /// As in [`Token`], of both rows.
    pub temperature: f64,
    /// As in [`Token`], of both rows.
    pub logit_scale: f64,
    /// As in [`Token`], of both rows.
    pub softcap: f64,
}

impl Default for AlphaDivergence {
    fn default() -> Self {
        Self::of(0.5, Token::default())
    }
}

impl AlphaDivergence {
    /// The divergence of logits that [`Token`] scales and caps.
    #[must_use]
    pub const fn of(alpha: f64, token: Token) -> Self {
        let Token { temperature, logit_scale, softcap } = token;
        Self { alpha, temperature, logit_scale, softcap }
    }
}

impl Op for AlphaDivergence {
    const SPEC: Spec = Spec {
        slug: "logprob/alpha_divergence",
        title: "alpha-divergence from reference logits",
        signature: Signature::LogitPairs,
        formula: "p and q as logprob/kl; sum_j q_j f(p_j/q_j), f(t) = (t^alpha - alpha t - (1 - alpha))/(alpha (alpha - 1)); reads both rows twice",
        params: &[
            Param {
                name: "alpha",
                doc: "the order; the f-DPO paper's alpha is 1 - alpha",
                range: "[-64, 64], and not within 2^-10 of 0 and 1",
                default: 0.5,
            },
            TOKEN[0],
            TOKEN[1],
            TOKEN[2],
        ],
        papers: &[Paper {
            authors: "Wang et al. 2023",
            id: "arXiv:2309.16240",
            place: "table 1: alpha-divergence, with alpha and 1 - alpha exchanged",
        }],
    };

    fn check(&self) -> Result<(), Error> {
        self.token().check_for(Self::SPEC.slug)?;
        let alpha = self.alpha;
        let far = |end: f64| alpha - end >= LEAST || end - alpha >= LEAST;
        let ok = far(0.0) && far(1.0) && (-MOST..=MOST).contains(&alpha);
        require(ok, Self::SPEC.slug, "alpha", alpha, "in [-64, 64], at least 2^-10 from 0 and from 1")
    }

    /// `Params { scale, squeeze, alpha, rest }`, `rest = 1 − alpha`.
    fn words(&self) -> [u32; PARAM_WORDS] {
        let [scale, squeeze, ..] = self.token().words();
        [scale, squeeze, word(self.alpha), word(1.0 - self.alpha)]
    }
}

impl LogitPairOp for AlphaDivergence {
    const PLANES: &'static [&'static str; PLANES] = &DIVERGENCE_PLANES;
    const UPSTREAM: &'static [&'static str] = &DIVERGENCE_UPSTREAM;
    fn token(&self) -> Token {
        Token { temperature: self.temperature, logit_scale: self.logit_scale, softcap: self.softcap }
    }
    fn with_token(self, token: Token) -> Self {
        Self::of(self.alpha, token)
    }
}
