//! `e^x − 1 − x`.

use super::exp::{exp, reduce, tail};
use super::scalar::{Scalar, horner, power_of_two};

/// `e^x − 1 − x ≥ 0`: the third form of the divergence estimate (k3), without its cancellation near 0.
///
/// `x²/2 + x³ q(x)` for `−0.7 < x < 1.3`, q near-minimax of degree 7; beyond, `2^n q + (2^n − 1) − x` in the terms of
/// [`exp`], summed in the order that rounds least on either side. Below `|x| = 1.5e-19` the result `x²/2` is
/// subnormal: a device may flush it to 0. Bounds: [`TABLE`](super::TABLE).
#[must_use]
pub fn expm1m<T: Scalar>(x: T) -> T {
    const Q: [f32; 8] = [
        3.534_733_8e-7,
        2.728_35e-6,
        2.472_905e-5,
        0.000_198_452_76,
        0.001_388_911,
        0.008_333_322,
        0.041_666_664,
        0.166_666_67,
    ];
    let v = x.value();
    if v.is_nan() {
        return x;
    }
    if v > -0.7 && v < 1.3 {
        let square = x * x;
        return T::lift(0.5) * square + (square * x) * horner(x, Q);
    }
    if v > 17.5 {
        // The exponential is infinite from 89 on.
        let held = if v > 89.0 { T::lift(89.0) } else { x };
        return exp(x) - (T::lift(1.0) + held);
    }
    if v < -17.5 {
        return T::lift(-1.0) - x;
    }
    let (r, n) = reduce(x);
    let s = power_of_two(n);
    let scaled = T::lift(s) * tail(r);
    if v > 0.0 { (scaled - x) + T::lift(s - 1.0) } else { scaled + (T::lift(s - 1.0) - x) }
}
