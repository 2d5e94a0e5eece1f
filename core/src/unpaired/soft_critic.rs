//! `unpaired/soft_critic`.

use crate::op::{Op, Paper, Spec};
use crate::sig::Signature;
use crate::sig::token_map::{MapOp, MapPlanes};

/// Cross-entropy of a critic's logit with a soft target: the share of successes among sampled completions.
///
/// `z` the logit, `m` the target: `L = −m log σ(z) − (1−m) log σ(−z) = softplus(z) − m z`, `∂L/∂z = σ(z) − m`, least at
/// `m = σ(z)`. Formed as a sum of terms that are not negative for `m` in [0, 1], because `softplus(z) − m z` loses every
/// digit of a sure and right critic. The value is `σ(z)`. Targets beyond [0, 1] are not refused, because a
/// map knows no range of a constant: the formula goes on there, and means nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct SoftCritic {}

impl MapOp for SoftCritic {
    const PLANES: MapPlanes =
        MapPlanes { inputs: &["logit"], constants: &["target"], outputs: &["loss"], gradients: &["d_logit"] };
}

impl Op for SoftCritic {
    const SPEC: Spec = Spec {
        slug: "unpaired/soft_critic",
        title: "cross-entropy of a critic's logit with a soft target",
        signature: Signature::TokenMap,
        formula: "loss = softplus(logit) - target logit",
        params: &[],
        papers: &[Paper {
            authors: "Liu et al. 2024",
            id: "arXiv:2412.18279",
            place: "the critic's loss: cross-entropy with Monte Carlo values",
        }],
    };
}
