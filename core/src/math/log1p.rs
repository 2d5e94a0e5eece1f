//! `ln(1 + x)`.

use super::log::{exponent, log, sum};
use super::scalar::{Scalar, power_of_two};

/// `ln(1 + x)` with all its digits near 0: the polynomial of [`log`] in `x` itself, or in `2^-k (1 + x) − 1`, which
/// `x 2^-k + (2^-k − 1)` gives with one rounding.
///
/// `x` itself where `|x| < 2^-25`; minus infinity at −1, NaN below. Bounds: [`TABLE`](super::TABLE).
#[must_use]
pub fn log1p<T: Scalar>(x: T) -> T {
    let v = x.value();
    if v.is_nan() || v.abs() < power_of_two(-25) {
        return x;
    }
    if v > -0.29289 && v < 0.41421 {
        return sum(x, 0);
    }
    let u = T::lift(1.0) + x;
    // 1 + x rounds to itself or to x from here on, or is not positive.
    if u.value() <= 0.0 || v > power_of_two(60) {
        return log(u);
    }
    let k = exponent(u.value());
    let s = power_of_two(-k);
    sum(x.scaled(-k) + T::lift(s - 1.0), k)
}
