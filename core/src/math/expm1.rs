//! `e^x − 1`.

use super::exp::{exp, reduce, tail};
use super::scalar::{Scalar, power_of_two};

/// `e^x − 1` with all its digits near 0: `2^n q + (2^n − 1)`, in the terms of [`exp`].
///
/// −1 below −17.5. Where `x` is subnormal the result is `x`. Bounds: [`TABLE`](super::TABLE).
#[must_use]
pub fn expm1<T: Scalar>(x: T) -> T {
    let v = x.value();
    if v.is_nan() {
        return x;
    }
    if v > 17.5 {
        return exp(x) - T::lift(1.0);
    }
    if v < -17.5 {
        return T::lift(-1.0);
    }
    let (r, n) = reduce(x);
    let q = tail(r);
    if n == 0 {
        return q;
    }
    let s = power_of_two(n);
    T::lift(s) * q + T::lift(s - 1.0)
}
