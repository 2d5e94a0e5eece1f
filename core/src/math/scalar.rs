//! What the functions compute with: f32, or an f32 that carries an error bound.

use core::ops::{Add, Div, Mul, Neg, Sub};

/// f32 arithmetic, as the kernels have it.
///
/// The functions are generic, so that the bound under WGSL's rules can be derived by running the very same steps on a
/// number with an error bound; on f32 they are what the kernels compute, rounding by rounding.
pub trait Scalar:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self>
{
    /// A constant.
    fn lift(x: f32) -> Self;
    /// The value, for branches.
    fn value(self) -> f32;
    /// `self · 2^k` without rounding; the result is a normal number. Kernels change the exponent's bits.
    fn scaled(self, k: i32) -> Self;
}

impl Scalar for f32 {
    fn lift(x: f32) -> Self {
        x
    }
    fn value(self) -> f32 {
        self
    }
    #[expect(clippy::cast_possible_truncation, reason = "24 bits times a power of two: nothing to cut off")]
    fn scaled(self, k: i32) -> Self {
        // f64 holds subnormal f32 and each power of two that turns one into a normal number.
        let factor = f64::from_bits(u64::from((k + 1023).cast_unsigned()) << 52);
        (f64::from(self) * factor) as Self
    }
}

/// `2^n` for `n` in −126..=127, from its bits.
pub(super) const fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n + 127).cast_unsigned() << 23)
}

/// The nearest integer, ties to even, for `|x| < 2^22`: the addition leaves no bit for a fraction.
pub(super) const fn nearest(x: f32) -> f32 {
    const SHIFT: f32 = 12_582_912.0;
    (x + SHIFT) - SHIFT
}

/// The polynomial with these coefficients, the highest power first, by Horner's rule.
pub(super) fn horner<T: Scalar, const N: usize>(x: T, coefficients: [f32; N]) -> T {
    let mut p = T::lift(coefficients[0]);
    for c in &coefficients[1..] {
        p = p * x + T::lift(*c);
    }
    p
}
