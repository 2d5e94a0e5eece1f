//! `policy/value_clip`.

use super::require_positive;
use crate::op::{Op, PARAM_WORDS, Paper, Param, Spec, word};
use crate::sig::token_map::{MapOp, MapPlanes};
use crate::{Error, sig::Signature};

/// PPO's loss of the value function: the larger of the squared errors of the value and of the value held near the old one.
///
/// `c = clamp(v, v_old − ε, v_old + ε)`, `L = ½ max((v − R)², (c − R)²)`; `∂L/∂v = v − R` where `v` is inside or its own
/// error is the larger one, half of that where the two are equal outside, and 0 elsewhere. `clipped` is 1 where the held
/// value's error is strictly the larger one.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct ValueClip {
    /// How far the value may move; > 0.
    pub epsilon: f64,
}

impl Default for ValueClip {
    fn default() -> Self {
        Self { epsilon: 0.2 }
    }
}

impl MapOp for ValueClip {
    const PLANES: MapPlanes = MapPlanes {
        inputs: &["value"],
        constants: &["old_value", "return"],
        outputs: &["loss", "clipped"],
        gradients: &["d_value"],
    };
}

impl Op for ValueClip {
    const SPEC: Spec = Spec {
        slug: "policy/value_clip",
        title: "PPO's clipped loss of the value function",
        signature: Signature::TokenMap,
        formula: "c = clamp(value, old_value - epsilon, old_value + epsilon); \
                  loss = 1/2 max((value - return)^2, (c - return)^2)",
        params: &[Param {
            name: "epsilon",
            doc: "how far the value may move",
            range: "> 0 and finite",
            default: 0.2,
        }],
        papers: &[Paper {
            authors: "Zheng et al. 2023",
            id: "arXiv:2307.04964",
            place: "value function loss clipping",
        }],
    };

    fn check(&self) -> Result<(), Error> {
        require_positive(Self::SPEC.slug, "epsilon", self.epsilon)
    }

    /// `Params { epsilon }`.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [word(self.epsilon), 0, 0, 0]
    }
}
