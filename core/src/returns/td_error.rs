//! `returns/td_error`.

use super::stop_target_gradients;
use crate::op::{Op, PARAM_WORDS, Paper, Spec};
use crate::sig::Signature;
use crate::sig::token_map::{MapOp, MapPlanes};

/// The one-step error `r_t + discount_t v_t − v_tm1`.
///
/// What `v_t` is makes the method: the value of the next state (TD), of the action taken there (SARSA), the expected one
/// (expected SARSA), the largest (Q-learning), that of the other network's best action (double Q-learning). Several
/// critics, each with its own rewards and discounts, are several rows. Of potentials `Φ` it is the shaped reward
/// `r + γ Φ(s') − Φ(s)`, whose sum over a path telescopes.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct TdError {
    /// Whether the target is a constant, as rlax has it: gradients are then those of `v_tm1` alone.
    pub stop_target_gradients: bool,
}

impl Default for TdError {
    fn default() -> Self {
        Self { stop_target_gradients: true }
    }
}

impl MapOp for TdError {
    const PLANES: MapPlanes = MapPlanes {
        inputs: &["v_tm1", "r_t", "v_t"],
        constants: &["discount_t"],
        outputs: &["td_error"],
        gradients: &["d_v_tm1", "d_r_t", "d_v_t"],
    };
}

impl Op for TdError {
    const SPEC: Spec = Spec {
        slug: "returns/td_error",
        title: "one-step errors: TD, SARSA, Q-learning; potential-based shaping",
        signature: Signature::TokenMap,
        formula: "td_error = r_t + discount_t v_t - v_tm1",
        params: &[stop_target_gradients()],
        papers: &[
            Paper {
                authors: "Sutton & Barto 2018",
                id: "http://incompleteideas.net/book/the-book-2nd.html",
                place: "eq. 6.5",
            },
            Paper {
                authors: "Xie et al. 2024",
                id: "arXiv:2405.00451",
                place: "a step's reward as a difference of values",
            },
            Paper {
                authors: "Cai et al. 2023",
                id: "arXiv:2302.01680",
                place: "advantages of several critics",
            },
        ],
    };

    /// `Params { stop_target_gradients }`.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [self.stop_target_gradients.into(), 0, 0, 0]
    }
}
