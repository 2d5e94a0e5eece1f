//! `policy/sapo`.

use super::Surrogate;
use crate::op::{Op, PARAM_WORDS, Paper, Param, Spec, require, word};
use crate::{Error, sig::Signature};

/// SAPO: a smooth gate in place of a clip.
///
/// With `r = e^U` and `τ` by the sign of `A` (`temperature_pos` where `A > 0`): `f = −(4/τ) σ(τ(r − 1)) A`, with the
/// gradient `−4 σ σ̄ r A` by `U`, `σ̄ = 1 − σ`: at `r = 1` it is the policy gradient's.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Sapo {
    /// `τ` of tokens with a positive advantage; in [1e-3, 1e3].
    pub temperature_pos: f64,
    /// `τ` of the others; in [1e-3, 1e3].
    pub temperature_neg: f64,
}

impl Default for Sapo {
    fn default() -> Self {
        Self { temperature_pos: 1.0, temperature_neg: 1.05 }
    }
}

impl Surrogate for Sapo {}

impl Op for Sapo {
    const SPEC: Spec = Spec {
        slug: "policy/sapo",
        title: "soft adaptive policy optimisation: a sigmoid gate on the ratio",
        signature: Signature::PolicyRows,
        formula: "r = exp(U); tau = temperature_pos if A > 0 else temperature_neg; \
                  f = -(4/tau) sigma(tau (r - 1)) A",
        params: &[
            Param {
                name: "temperature_pos",
                doc: "steepness where the advantage is positive",
                range: "in [0.001, 1000]",
                default: 1.0,
            },
            Param {
                name: "temperature_neg",
                doc: "steepness where it is not",
                range: "in [0.001, 1000]",
                default: 1.05,
            },
        ],
        papers: &[Paper { authors: "Gao et al. 2025", id: "arXiv:2511.20347", place: "the soft gate" }],
    };

    fn check(&self) -> Result<(), Error> {
        let one = |arg, tau: f64| {
            require((1e-3..=1e3).contains(&tau), Self::SPEC.slug, arg, tau, "in [0.001, 1000]")
        };
        one("temperature_pos", self.temperature_pos)?;
        one("temperature_neg", self.temperature_neg)
    }

    /// `Params { temperature_pos, temperature_neg }`.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [word(self.temperature_pos), word(self.temperature_neg), 0, 0]
    }
}
