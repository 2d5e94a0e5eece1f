//! Row functions of the family `returns`.

mod discounted;
mod gae;
mod importance_corrected;
mod lambda;
mod off_policy;
mod td_error;
mod td_lambda;
mod vtrace;

use bellwether_core::Real;

/// An error against a prediction: `target − prediction`, the target a constant where `stop`.
fn error<T: Real>(target: T, prediction: T, stop: bool) -> T {
    if stop { target.detached() - prediction } else { target - prediction }
}
