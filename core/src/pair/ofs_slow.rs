//! `pair/ofs_slow`.

use super::Link;
use crate::op::{Op, PARAM_WORDS, Paper, Param, Spec, require, word};
use crate::{Error, sig::Signature};

/// The slow module of online fast-slow DPO (OFS-DPO): DPO, rewarded for closing on the fast module.
///
/// The pair's margin is `β(S_w − S_l)` of the fast module. `L = softplus(−β(S_w − S_l)) − α softplus(z)`,
/// `∂L/∂(S_w − S_l) = −βσ(−β(S_w − S_l)) − αβσ(z)`. Unbounded below: keep α small.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct OfsSlow {
    /// Weight of the chase; >= 0 and finite.
    pub alpha: f64,
}

impl Default for OfsSlow {
    fn default() -> Self {
        Self { alpha: 0.1 }
    }
}

impl Link for OfsSlow {
    const DIFFERENCE: bool = false;
    const MARGIN: bool = true;
}

impl Op for OfsSlow {
    const SPEC: Spec = Spec {
        slug: "pair/ofs_slow",
        title: "online fast-slow DPO, the slow module",
        signature: Signature::PairRows,
        formula: "L = softplus(-beta (S_w - S_l)) - alpha softplus(z), margin = beta m_fast",
        params: &[Param {
            name: "alpha",
            doc: "weight of the chase",
            range: ">= 0 and finite",
            default: 0.1,
        }],
        papers: &[Paper {
            authors: "Qi et al. 2024",
            id: "arXiv:2406.05534",
            place: "objective of the slow module",
        }],
    };

    fn check(&self) -> Result<(), Error> {
        require(
            self.alpha >= 0.0 && self.alpha.is_finite(),
            Self::SPEC.slug,
            "alpha",
            self.alpha,
            ">= 0 and finite",
        )
    }

    /// `Params { alpha }`.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [word(self.alpha), 0, 0, 0]
    }
}
