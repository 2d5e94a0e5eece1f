//! `policy/vespo`.

use super::{Surrogate, require_not_negative};
use crate::op::{Op, PARAM_WORDS, Paper, Param, Spec};
use crate::{Error, op::word, sig::Signature};

/// VESPO: a policy gradient weighted with a gamma-shaped function of the sequence's ratio, which is 1 at 1.
///
/// `φ = exp(λ + k S − λ e^S)`, `S = clamp(U, ln 10⁻⁸, 20)`, and `f = −sg(φ) A logp`; `k` and `λ` by the sign of `A`
/// (`…_pos` where `A ≥ 0`). The log-ratios of tokens are cut to [−20, 20] before they are summed. Meant for
/// [`Level::SequenceSum`](super::Level::SequenceSum), as TRL has it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Vespo {
    /// `k` where the advantage is not negative; ≥ 0.
    pub k_pos: f64,
    /// `λ` there; ≥ 0.
    pub lambda_pos: f64,
    /// `k` where it is; ≥ 0.
    pub k_neg: f64,
    /// `λ` there; ≥ 0.
    pub lambda_neg: f64,
}

impl Vespo {
    /// The least `S`: `ln 10⁻⁸`.
    pub const LOWEST: f64 = -18.420_680_743_952_367;
    /// The largest `S`, and the largest log-ratio of a token in magnitude.
    pub const HIGHEST: f64 = 20.0;
}

impl Default for Vespo {
    fn default() -> Self {
        Self { k_pos: 2.0, lambda_pos: 3.0, k_neg: 3.0, lambda_neg: 2.0 }
    }
}

impl Surrogate for Vespo {
    const METRICS: &'static [&'static str] = &["phi"];
}

impl Op for Vespo {
    const SPEC: Spec = Spec {
        slug: "policy/vespo",
        title: "policy gradient with gamma-shaped weights of the sequence's ratio",
        signature: Signature::PolicyRows,
        formula: "u_t := clamp(u_t, -20, 20); S = clamp(U, ln 1e-8, 20); (k, lambda) = (k_pos, lambda_pos) if A >= 0 \
                  else (k_neg, lambda_neg); phi = exp(lambda + k S - lambda exp(S)); f = -sg(phi) A logp",
        params: &[
            Param { name: "k_pos", doc: "power of the ratio, A >= 0", range: ">= 0", default: 2.0 },
            Param { name: "lambda_pos", doc: "decay with the ratio, A >= 0", range: ">= 0", default: 3.0 },
            Param { name: "k_neg", doc: "power of the ratio, A < 0", range: ">= 0", default: 3.0 },
            Param { name: "lambda_neg", doc: "decay with the ratio, A < 0", range: ">= 0", default: 2.0 },
        ],
        papers: &[Paper {
            authors: "Shen et al. 2026",
            id: "arXiv:2602.10693",
            place: "the gamma weight, as TRL 1.16 computes it",
        }],
    };

    fn check(&self) -> Result<(), Error> {
        let Self { k_pos, lambda_pos, k_neg, lambda_neg } = *self;
        let all =
            [("k_pos", k_pos), ("lambda_pos", lambda_pos), ("k_neg", k_neg), ("lambda_neg", lambda_neg)];
        all.into_iter().try_for_each(|(arg, x)| require_not_negative(Self::SPEC.slug, arg, x))
    }

    /// `Params { k_pos, lambda_pos, k_neg, lambda_neg }`.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [self.k_pos, self.lambda_pos, self.k_neg, self.lambda_neg].map(word)
    }
}
