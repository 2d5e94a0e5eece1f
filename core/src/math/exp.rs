//! `e^x`.

use super::scalar::{Scalar, horner, nearest, power_of_two};

/// `ln 2` in two parts: the first has 9 bits, so that `n` times it is exact.
pub(super) const LN2_HIGH: f32 = 0.693_359_4;
/// What the first part leaves.
pub(super) const LN2_LOW: f32 = -0.000_212_194_44;

/// `e^x`: `x = n ln 2 + r` with `|r| ≤ ln 2 / 2`, and `e^x = 2^n (1 + q(r))`.
///
/// 0 below −104, infinity where the result exceeds the largest f32. Subnormal results are rounded once more by the
/// last multiplication; a device may flush them to 0. Bounds: [`TABLE`](super::TABLE).
#[must_use]
pub fn exp<T: Scalar>(x: T) -> T {
    if x.value().is_nan() {
        return x;
    }
    let (r, n) = reduce(x);
    raise(T::lift(1.0) + tail(r), n)
}

/// `e^(x + low)` for a `low` of at most half a unit in the last place of `x`, and what was rounded off it.
pub(super) fn parts<T: Scalar>(x: T, low: T) -> (T, T) {
    let (r, n) = reduce(x);
    let q = tail(r + low);
    let high = T::lift(1.0) + q;
    (raise(high, n), raise(q - (high - T::lift(1.0)), n))
}

/// `r` and `n` of `x = n ln 2 + r`, for an `x` that is held in −104..=89.
pub(super) fn reduce<T: Scalar>(x: T) -> (T, i32) {
    let held = x.value().clamp(-104.0, 89.0);
    let x = if (-104.0..=89.0).contains(&x.value()) { x } else { T::lift(held) };
    let n = nearest(held * core::f32::consts::LOG2_E);
    let steps = T::lift(n);
    #[expect(clippy::cast_possible_truncation, reason = "a small integer")]
    let whole = n as i32;
    ((x - steps * T::lift(LN2_HIGH)) - steps * T::lift(LN2_LOW), whole)
}

/// `e^r − 1` for `|r| ≤ ln 2 / 2`: `r + r² p(r)`, p near-minimax of degree 5.
///
/// Kernels take the maximum of this and −0.5, and absolute values of what is positive anyway: no change of value, but
/// the compilers tried do not reassociate sums across them.
pub(super) fn tail<T: Scalar>(r: T) -> T {
    const P: [f32; 6] = [0.000_199_145_06, 0.001_394_119_6, 0.008_333_272, 0.041_666_35, 0.166_666_67, 0.5];
    r + (r * r) * horner(r, P)
}

/// `e · 2^n` in two steps, since `2^n` itself may be out of range where the result is not.
pub(super) fn raise<T: Scalar>(e: T, n: i32) -> T {
    let half = n >> 1;
    (e * T::lift(power_of_two(half))) * T::lift(power_of_two(n - half))
}
