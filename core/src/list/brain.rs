//! `list/brain`.

use crate::op::{Op, PARAM_WORDS, Paper, Param, Spec, require, word};
use crate::sig::list_rows::{ListOp, ListPlanes};
use crate::{Error, sig::Signature};

/// The divergence of the policy from the reward-conditioned posterior, both as self-normalised weights of samples of a
/// proposal.
///
/// `α = softmax(prior + r/γ − prop)`, `q = softmax(logp − prop)` over the samples; `L = Σ α (ln α − ln q)`,
/// `∂L/∂logp_i = q_i − α_i`. `effective` is the effective sample size `1/Σ α²`: near 1 a single sample decides. One
/// sample gives 0.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Brain {
    /// Temperature `γ` of the reward; > 0 and finite.
    pub gamma: f64,
}

impl Default for Brain {
    fn default() -> Self {
        Self { gamma: 1.0 }
    }
}

impl ListOp for Brain {
    const PLANES: ListPlanes = ListPlanes {
        inputs: &["logp"],
        constants: &["prior_logp", "prop_logp", "reward"],
        outputs: &["loss", "effective"],
        gradients: &["d_logp"],
        ranked: false,
        least: 1,
    };
}

impl Op for Brain {
    const SPEC: Spec = Spec {
        slug: "list/brain",
        title: "KL of self-normalised weights: reward-conditioned posterior against policy",
        signature: Signature::ListRows,
        formula: "L = KL(a || q), a = softmax(prior_logp + reward/gamma - prop_logp), q = softmax(logp - prop_logp); effective = 1/sum a^2",
        params: &[Param {
            name: "gamma",
            doc: "temperature of the reward",
            range: "> 0 and finite",
            default: 1.0,
        }],
        papers: &[Paper { authors: "Pandey et al. 2024", id: "arXiv:2402.02479", place: "theorem 4.2" }],
    };

    fn check(&self) -> Result<(), Error> {
        require(
            self.gamma > 0.0 && self.gamma.is_finite(),
            Self::SPEC.slug,
            "gamma",
            self.gamma,
            "> 0 and finite",
        )
    }

    /// `Params { gamma }`.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [word(self.gamma), 0, 0, 0]
    }
}
