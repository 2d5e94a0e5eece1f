//! The four operations.

use core::ops::{Add, Div, Mul, Neg, Sub};

use super::{Bound, DIVISION_UNITS};

impl<const BITS: u32> Add for Bound<BITS> {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Self::step(self.value + o.value, self.error + o.error, self.noise + o.noise, 1.0)
    }
}

impl<const BITS: u32> Sub for Bound<BITS> {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        Self::step(self.value - o.value, self.error + o.error, self.noise + o.noise, 1.0)
    }
}

impl<const BITS: u32> Mul for Bound<BITS> {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        let (a, b) = (libm::fabs(self.value), libm::fabs(o.value));
        // An exact factor has no error to multiply, also one that is not known.
        let both = if self.error == 0.0 || o.error == 0.0 { 0.0 } else { self.error * o.error };
        let propagated = known(a * o.error + b * self.error + both);
        let noise = Self::independent(a * o.noise + b * self.noise);
        if self == Self::exact(1.0) || o == Self::exact(1.0) || a * b + propagated == 0.0 {
            return Self::unrounded(self.value * o.value, propagated, noise);
        }
        Self::step(self.value * o.value, propagated, noise, 1.0)
    }
}

impl<const BITS: u32> Div for Bound<BITS> {
    type Output = Self;
    fn div(self, o: Self) -> Self {
        if o == Self::exact(1.0) {
            return Self::unrounded(self.value, self.error, self.noise);
        }
        let value = self.value / o.value;
        // The divisor may be as small as this; a divisor that may be zero has no bound.
        let least = libm::fabs(o.value) - o.error;
        let by = |mine: f64, its: f64| {
            if least > 0.0 { known((mine + libm::fabs(value) * its) / least) } else { f64::INFINITY }
        };
        Self::step(value, by(self.error, o.error), by(self.noise, o.noise), DIVISION_UNITS)
    }
}

/// An error, or no bound where it is no number: `0 · ∞`.
const fn known(error: f64) -> f64 {
    if error.is_nan() { f64::INFINITY } else { error }
}

impl<const BITS: u32> Neg for Bound<BITS> {
    type Output = Self;
    fn neg(self) -> Self {
        Self { value: -self.value, ..self }
    }
}
