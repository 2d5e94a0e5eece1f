//! `returns/off_policy`.

use super::stop_target_gradients;
use crate::op::{Op, PARAM_WORDS, Paper, Spec};
use crate::sig::Signature;
use crate::sig::reverse_scan::{ScanOp, ScanPlanes};

/// Returns from action values off policy, and their errors: `G_t = r_t + discount_t (v_t − c_t q_t + c_t G_{t+1})`, and
/// `r_t + discount_t v_t` at the last step, whose `q_t` and `c_t` do not matter.
///
/// `v_t` is the expected action value of the state that the step led to, `q_t` the value of the action taken there, and
/// the trace `c_t` says which method it is: `λ π/μ` importance sampling, `λ` Q(λ) as of Harutyunyan et al., `λ π`
/// tree-backup, `λ min(1, π/μ)` Retrace(λ). `q_tm1` is the prediction: the error is `G_t − q_tm1`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct OffPolicy {
    /// Whether the target is a constant, as rlax has it: gradients are then those of `q_tm1` alone.
    pub stop_target_gradients: bool,
}

impl Default for OffPolicy {
    fn default() -> Self {
        Self { stop_target_gradients: true }
    }
}

impl ScanOp for OffPolicy {
    const PLANES: ScanPlanes = ScanPlanes {
        inputs: &["q_tm1", "r_t", "q_t", "v_t", "c_t"],
        constants: &["discount_t"],
        outputs: &["td_errors", "returns"],
        gradients: &["d_q_tm1", "d_r_t", "d_q_t", "d_v_t", "d_c_t"],
    };
}

impl Op for OffPolicy {
    const SPEC: Spec = Spec {
        slug: "returns/off_policy",
        title: "returns off policy: Retrace, tree-backup, Q(lambda), importance sampling",
        signature: Signature::ReverseScan,
        formula: "G_t = r_t + discount_t (v_t - c_t q_t + c_t G_{t+1}); at the last step G_t = r_t + discount_t v_t; td_error = G_t - q_tm1",
        params: &[stop_target_gradients()],
        papers: &[Paper { authors: "Munos et al. 2016", id: "arXiv:1606.02647", place: "eq. 3 and table 1" }],
    };

    /// `Params { stop_target_gradients }`.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [self.stop_target_gradients.into(), 0, 0, 0]
    }
}
