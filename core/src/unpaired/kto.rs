//! `unpaired/kto`.

use super::{beta, require_beta, require_weights, weight};
use crate::Error;
use crate::op::{Op, PARAM_WORDS, Paper, Spec, word};
use crate::sig::Signature;
use crate::sig::token_map::{MapOp, MapPlanes};

/// Kahneman-Tversky optimisation: raises desirable responses and lowers undesirable ones, with a value that levels off
/// on both sides of the batch's baseline.
///
/// `u = logp − ref_logp`, `z0 = max(kl, 0)`, `x = β(u − z0)` for a desirable response and `β(z0 − u)` for another,
/// `w` its weight: `L = w σ(−x)`, `∂L/∂logp = ∓ w β σ(x) σ(−x)`. Written without `1 − σ`, which loses every digit of a
/// response that is good already. The reward is `βu`.
///
/// `kl` estimates the divergence of policy and reference: the mean of `u` over responses put behind prompts that are not
/// their own ([`mismatched`](super::mismatched)), one value for the whole batch, over all devices. It gets no gradient.
/// The clamp at 0 is made here, because a mean of few responses may be negative.
///
/// Keep `w_d n_d / (w_u n_u)` between 1 and 4/3, as the paper does.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Kto {
    /// Strength of the reference; > 0.
    pub beta: f64,
    /// Weight of desirable responses; ≥ 0.
    pub desirable_weight: f64,
    /// Weight of the others; ≥ 0.
    pub undesirable_weight: f64,
}

impl Default for Kto {
    fn default() -> Self {
        Self { beta: 0.1, desirable_weight: 1.0, undesirable_weight: 1.0 }
    }
}

impl MapOp for Kto {
    const PLANES: MapPlanes = MapPlanes {
        inputs: &["logp"],
        constants: &["ref_logp", "desirable", "kl"],
        outputs: &["loss", "reward"],
        gradients: &["d_logp"],
    };
}

impl Op for Kto {
    const SPEC: Spec = Spec {
        slug: "unpaired/kto",
        title: "Kahneman-Tversky optimisation against the batch's baseline",
        signature: Signature::TokenMap,
        formula: "u = logp - ref_logp; z0 = max(kl, 0); loss = w (1 - sigma(s beta (u - z0))), s = 1 and \
                  w = desirable_weight if desirable, else s = -1 and w = undesirable_weight; reward = beta u",
        params: &[
            beta("strength of the reference", 0.1),
            weight("desirable_weight", "weight of desirable responses"),
            weight("undesirable_weight", "weight of the others"),
        ],
        papers: &[Paper {
            authors: "Ethayarajh et al. 2024",
            id: "arXiv:2402.01306",
            place: "section 4: the KTO loss",
        }],
    };

    fn check(&self) -> Result<(), Error> {
        require_beta(Self::SPEC.slug, "beta", self.beta)?;
        require_weights(Self::SPEC.slug, self.desirable_weight, self.undesirable_weight)
    }

    /// `Params { beta, desirable_weight, undesirable_weight }`.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [word(self.beta), word(self.desirable_weight), word(self.undesirable_weight), 0]
    }
}
