//! Returns and advantages: affine scans from the end of a sequence ([`reverse_scan`](crate::sig::reverse_scan)),
//! and errors of one step.
//!
//! Names are rlax's. Step `t` was taken in the state of value `v_tm1`, gave reward `r_t` and led to the state of value
//! `v_t`; `discount_t` is `γ`, and 0 where that state ended the episode. `v_tm1` and `v_t` are mostly views of one array
//! `values` of `T + 1` numbers, `v_t` one step further on; the gradient of `values` is then the sum of both, one step
//! apart. Values `[B, T]` without a last one do as well, with a discount of 0 at each row's end: `v_t` of the last step
//! may then be any number. What a paper calls `γ` or `λ` is an array here (a view of one number, where it is constant).

pub mod discounted;
pub mod gae;
pub mod importance_corrected;
pub mod lambda;
pub mod off_policy;
pub mod td_error;
pub mod td_lambda;
pub mod vtrace;

pub use discounted::Discounted;
pub use gae::Gae;
pub use importance_corrected::ImportanceCorrected;
pub use lambda::Lambda;
pub use off_policy::OffPolicy;
pub use td_error::TdError;
pub use td_lambda::TdLambda;
pub use vtrace::Vtrace;

use crate::op::Param;

/// Whether targets are constants, as the operators of the family list it.
const fn stop_target_gradients() -> Param {
    Param {
        name: "stop_target_gradients",
        doc: "whether the target is a constant",
        range: "false or true (0 or 1)",
        default: 1.0,
    }
}
