//! `unpaired/bco`.

use super::{beta, require_beta};
use crate::Error;
use crate::op::{Op, PARAM_WORDS, Paper, Spec, word};
use crate::sig::Signature;
use crate::sig::token_map::{MapOp, MapPlanes};

/// Binary classifier optimisation: a logistic classifier tells desirable from undesirable responses by their reward,
/// shifted by the mean reward.
///
/// `u = logp − ref_logp`, `x = βu − δ`: `L = −log σ(x)` for a desirable response and `−log σ(−x)` for another,
/// `∂L/∂logp = ∓β σ(∓x)`. The reward is `βu`, not shifted.
///
/// `delta` is one value for the batch without gradient: the running mean of all rewards, which takes in the batch's own
/// before it is used ([`Moments`](super::Moments)). The density ratio of a prompt under the other label's prompts, where
/// there is one, is the upstream gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Bco {
    /// Strength of the reference; > 0.
    pub beta: f64,
}

impl Default for Bco {
    fn default() -> Self {
        Self { beta: 0.1 }
    }
}

impl MapOp for Bco {
    const PLANES: MapPlanes = MapPlanes {
        inputs: &["logp"],
        constants: &["ref_logp", "desirable", "delta"],
        outputs: &["loss", "reward"],
        gradients: &["d_logp"],
    };
}

impl Op for Bco {
    const SPEC: Spec = Spec {
        slug: "unpaired/bco",
        title: "binary classifier of responses by their reward, shifted by the mean reward",
        signature: Signature::TokenMap,
        formula: "u = logp - ref_logp; loss = -log sigma(s (beta u - delta)), s = 1 if desirable, else -1; \
                  reward = beta u",
        params: &[beta("strength of the reference", 0.1)],
        papers: &[Paper {
            authors: "Jung et al. 2024",
            id: "arXiv:2404.04656",
            place: "section 4: BCO with reward shift",
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
