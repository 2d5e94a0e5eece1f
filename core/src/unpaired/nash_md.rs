//! `unpaired/nash_md`.

use super::{beta, require_beta};
use crate::Error;
use crate::op::{Op, PARAM_WORDS, Paper, Spec, word};
use crate::sig::Signature;
use crate::sig::token_map::{MapOp, MapPlanes};

/// Nash mirror descent, the policy's loss, per token of the policy's own response.
///
/// `u = logp − ref_logp`, `P` the probability that the response is preferred to one of the mixture policy, the same for
/// all tokens of a response: `L = (β sg(u) − (P − ½)) logp`, `∂L/∂logp = β sg(u) − (P − ½)`, with `sg` a stop-gradient:
/// a policy gradient whose value means nothing but whose slope does. Sum over tokens, average over responses. `score` is
/// `(P − ½) logp` and `kl` is `u`; TRL logs their sums over tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct NashMd {
    /// Strength of the reference; > 0.
    pub beta: f64,
}

impl Default for NashMd {
    fn default() -> Self {
        Self { beta: 0.1 }
    }
}

impl MapOp for NashMd {
    const PLANES: MapPlanes = MapPlanes {
        inputs: &["logp"],
        constants: &["ref_logp", "probability"],
        outputs: &["loss", "score", "kl"],
        gradients: &["d_logp"],
    };
}

impl Op for NashMd {
    const SPEC: Spec = Spec {
        slug: "unpaired/nash_md",
        title: "Nash mirror descent: policy gradient against a mixture, with a penalty",
        signature: Signature::TokenMap,
        formula: "kl = logp - ref_logp; score = (probability - 1/2) logp; loss = beta stopgrad(kl) logp - score",
        params: &[beta("strength of the reference", 0.1)],
        papers: &[Paper {
            authors: "Munos et al. 2023",
            id: "arXiv:2312.00886",
            place: "section 7: the policy-gradient form of Nash-MD",
        }],
    };

    fn check(&self) -> Result<(), Error> {
        require_beta(Self::SPEC.slug, "beta", self.beta)
    }

    /// `Params { beta }`.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [word(self.beta), 0, 0, 0]
    }
}
