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
        // The other factor as it is, also where its error is not known: 0 times that is no number.
        if self == Self::exact(1.0) {
            return Self::unrounded(o.value, o.error, o.noise);
        }
        if o == Self::exact(1.0) {
            return Self::unrounded(self.value, self.error, self.noise);
        }
        let (a, b) = (libm::fabs(self.value), libm::fabs(o.value));
        let propagated = a * o.error + b * self.error + self.error * o.error;
        let noise = Self::independent(a * o.noise + b * self.noise);
        if a * b + propagated == 0.0 {
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
            if least > 0.0 { (mine + libm::fabs(value) * its) / least } else { f64::INFINITY }
        };
        Self::step(value, by(self.error, o.error), by(self.noise, o.noise), DIVISION_UNITS)
    }
}

impl<const BITS: u32> Neg for Bound<BITS> {
    type Output = Self;
    fn neg(self) -> Self {
        Self { value: -self.value, ..self }
    }
}
