//! `ln x`.

use super::exp::{LN2_HIGH, LN2_LOW};
use super::scalar::{Scalar, horner};

/// The bits of `sqrt(1/2)`, where the mantissa is split.
const HALF_ROOT: u32 = 0x3f35_04f3;

/// `ln x`: `x = 2^k (1 + f)` with `1 + f` in `[sqrt(1/2), sqrt(2)]`.
///
/// Minus infinity at 0, NaN below; infinity and NaN stay what they are. Subnormal `x` are normalised as integers,
/// since a device may flush them. Bounds: [`TABLE`](super::TABLE).
#[must_use]
pub fn log<T: Scalar>(x: T) -> T {
    let v = x.value();
    if v == 0.0 {
        return T::lift(f32::NEG_INFINITY);
    }
    if v < 0.0 {
        return T::lift(f32::NAN);
    }
    if v.is_nan() || v == f32::INFINITY {
        return x;
    }
    let k = exponent(v);
    sum(x.scaled(-k) - T::lift(1.0), k)
}

/// `k` of `x = 2^k (1 + f)`, for a positive `x`.
pub(super) const fn exponent(x: f32) -> i32 {
    let bits = x.to_bits();
    let lift = if bits < 0x0080_0000 { bits.leading_zeros() - 8 } else { 0 };
    let shifted = (bits << lift) + (0x3f80_0000 - HALF_ROOT);
    (shifted >> 23).cast_signed() - 127 - lift.cast_signed()
}

/// `k ln 2 + ln(1 + f)`: `f − f²/2 + f³ q(f)`, q near-minimax of degree 8; small parts first.
pub(super) fn sum<T: Scalar>(f: T, k: i32) -> T {
    const Q: [f32; 9] = [
        0.069_171_965,
        -0.117_871_03,
        0.118_705_76,
        -0.123_847_02,
        0.142_190_74,
        -0.166_692_4,
        0.200_022_03,
        -0.249_999_87,
        0.333_333_1,
    ];
    let k = T::lift(k as f32);
    let square = f * f;
    let small = (square * f) * horner(f, Q) + k * T::lift(LN2_LOW);
    k * T::lift(LN2_HIGH) + (f - (T::lift(0.5) * square - small))
}
