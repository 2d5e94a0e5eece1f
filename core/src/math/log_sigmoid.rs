//! `ln(1 / (1 + e^-x))`.

use super::{exp::exp, log1p::log1p, scalar::Scalar};

/// `ln sigmoid(x) = min(x, 0) − ln(1 + e^-|x|)`: about `x` for a large negative `x`, about `−e^-x` for a large positive
/// one. Bounds: [`TABLE`](super::TABLE).
#[must_use]
pub fn log_sigmoid<T: Scalar>(x: T) -> T {
    let v = x.value();
    if v.is_nan() {
        return x;
    }
    if v > 0.0 { T::lift(0.0) - log1p(exp(-x)) } else { x - log1p(exp(x)) }
}
