//! `ln(1 − e^x)`.

use super::{exp::exp, expm1::expm1, log::log, log1p::log1p, scalar::Scalar};

/// `ln(1 − e^x)` for `x < 0`: the logarithm of the probability that is left by one of logarithm `x`.
///
/// `ln(−(e^x − 1))` above `−ln 2`, `ln(1 + (−e^x))` below; near 0 it is `ln(−x)`, from bits, so that a flushed
/// subnormal `x` does not become minus infinity. Minus infinity at 0, NaN above. Bounds: [`TABLE`](super::TABLE).
#[must_use]
pub fn log1mexp<T: Scalar>(x: T) -> T {
    let v = x.value();
    if v.is_nan() {
        return x;
    }
    if v.abs() < 2.980_232_2e-8 {
        return log(-x);
    }
    if v > -core::f32::consts::LN_2 { log(-expm1(x)) } else { log1p(-exp(x)) }
}
