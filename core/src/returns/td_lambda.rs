//! `returns/td_lambda`.

use super::stop_target_gradients;
use crate::op::{Op, PARAM_WORDS, Paper, Spec};
use crate::sig::Signature;
use crate::sig::reverse_scan::{ScanOp, ScanPlanes};

/// The error of a λ-return: `G_t − v_tm1`, `G` being `returns/lambda`'s.
///
/// With the values of taken actions it is SARSA(λ), with the largest of each state's `v_t = max_a Q` Peng's Q(λ), with
/// expected ones expected SARSA(λ).
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct TdLambda {
    /// Whether the target is a constant, as rlax has it: gradients are then those of `v_tm1` alone.
    pub stop_target_gradients: bool,
}

impl Default for TdLambda {
    fn default() -> Self {
        Self { stop_target_gradients: true }
    }
}

impl ScanOp for TdLambda {
    const PLANES: ScanPlanes = ScanPlanes {
        inputs: &["v_tm1", "r_t", "v_t"],
        constants: &["discount_t", "lambda_t"],
        outputs: &["td_errors", "returns"],
        gradients: &["d_v_tm1", "d_r_t", "d_v_t"],
    };
}

impl Op for TdLambda {
    const SPEC: Spec = Spec {
        slug: "returns/td_lambda",
        title: "errors of lambda-returns: TD(lambda), SARSA(lambda), Q(lambda)",
        signature: Signature::ReverseScan,
        formula: "G_t = r_t + discount_t ((1 - lambda_t) v_t + lambda_t G_{t+1}), where G behind the last step is its v_t; td_error = G_t - v_tm1",
        params: &[stop_target_gradients()],
        papers: &[Paper {
            authors: "Sutton & Barto 2018",
            id: "http://incompleteideas.net/book/the-book-2nd.html",
            place: "sections 12.1 and 12.7",
        }],
    };

    /// `Params { stop_target_gradients }`.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [self.stop_target_gradients.into(), 0, 0, 0]
    }
}
