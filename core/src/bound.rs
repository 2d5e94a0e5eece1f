//! A number with an error bound: the scalar that derives a tolerance from the row function itself.
//!
//! `Bound` runs a row function once more and carries, beside each exact intermediate, how far an implementation may
//! be from it. So no tolerance is written down anywhere: it follows from the inputs and from what the arithmetic
//! promises.
//!
//! | step | error added |
//! |---|---|
//! | `+ − ×` | one unit of the result |
//! | `× 1`, `/ 1` | none; of a subnormal number, in WGSL's f32, the whole: a device may flush it |
//! | `/` | 2.5 units (what WGSL grants) |
//! | a transcendental function | its row of [`math::TABLE`](crate::math::TABLE): the bound derived for WGSL; for IEEE f32 twice the largest error measured |
//! | a sum of `n` terms | [`depth`]`(n)` units of the sum of magnitudes; for IEEE f32, that is for numbers of others, [`SIGMAS`] standard deviations of `n` independent roundings |
//! | a state of an affine scan | one unit per factor and per addition of each of its terms, in any tree: [`Scan`] |
//! | a parameter that the precision cannot hold | half a unit |

mod arithmetic;
mod scan;
mod sum;

use crate::Real;
use crate::math::table::{self, FunctionBound};
pub use scan::Scan;
use sum::Sum;

/// Standard deviations granted to the rounding of a sum whose order is not known.
pub const SIGMAS: f64 = 6.0;

/// Units granted to a division.
pub const DIVISION_UNITS: f64 = 2.5;

/// The most additions that one term passes through in a sum of `n` terms, in every kernel and in the f32 reference:
/// blocks of 16, blocks of blocks, then a sequence of those, then a tree over the lanes.
#[must_use]
pub fn depth(n: usize) -> f64 {
    (n as f64).min(40.0 + (n / 256) as f64)
}

/// A value and a bound of its absolute error, for arithmetic with `BITS` bits of precision.
///
/// One unit is `2^-BITS` of the magnitude. `Bound<24>` is IEEE f32 (round to nearest), `Bound<23>` is WGSL's f32
/// (either neighbour), `Bound<53>` is f64.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound<const BITS: u32> {
    /// The exact value, as far as f64 knows it.
    pub value: f64,
    /// The largest error an implementation may show.
    pub error: f64,
    /// The part of it that is independent of the errors of other numbers: in a sum such parts add as squares. Only
    /// IEEE f32, which stands for numbers of others, tells it apart; it is 0 elsewhere.
    noise: f64,
}

impl<const BITS: u32> Bound<BITS> {
    /// One unit, relative.
    pub const UNIT: f64 = {
        let mut unit = 1.0;
        let mut i = 0;
        while i < BITS {
            unit /= 2.0;
            i += 1;
        }
        unit
    };
    /// Results below this may be flushed to zero.
    const TINY: f64 = if BITS <= 24 { f32::MIN_POSITIVE as f64 } else { f64::MIN_POSITIVE };
    /// Results beyond this may overflow: they have no bound.
    const LARGEST: f64 = if BITS <= 24 { f32::MAX as f64 } else { f64::MAX };

    /// A value that is exact in this precision (an input).
    #[must_use]
    pub const fn exact(value: f64) -> Self {
        Self { value, error: 0.0, noise: 0.0 }
    }

    /// A value with a known error.
    #[must_use]
    pub const fn new(value: f64, error: f64) -> Self {
        Self { value, error, noise: 0.0 }
    }

    /// Whether independent errors are told apart.
    const INDEPENDENT: bool = BITS == 24;

    /// The result of a step: what its inputs' errors do to it, of which `noise` is independent, and `units` of
    /// rounding on top.
    fn step(value: f64, propagated: f64, noise: f64, units: f64) -> Self {
        let magnitude = libm::fabs(value) + propagated;
        if magnitude == 0.0 {
            return Self::exact(value);
        }
        // Not a number either: zero times an unbounded error.
        if magnitude > Self::LARGEST || magnitude.is_nan() {
            return Self::new(value, f64::INFINITY);
        }
        let rounding = units * Self::UNIT * magnitude + Self::TINY;
        Self { value, error: propagated + rounding, noise: Self::independent(noise + rounding) }
    }

    /// A noise, where noise is told apart.
    fn independent(noise: f64) -> f64 {
        if Self::INDEPENDENT { noise } else { 0.0 }
    }

    /// What a step leaves that rounds nothing: WGSL may still flush a subnormal number on its way through.
    fn unrounded(value: f64, error: f64, noise: f64) -> Self {
        let flushed = BITS == 23 && value != 0.0 && libm::fabs(value) < Self::TINY;
        Self { value, error: if flushed { error + libm::fabs(value) } else { error }, noise }
    }

    /// `f(self)` by the largest slope over the interval, one function call's rounding on top.
    fn function(self, row: &FunctionBound, value: f64, slope: f64) -> Self {
        Self::step(value, self.error * slope, self.noise * slope, row.units(BITS))
    }
}

impl<const BITS: u32> Real for Bound<BITS> {
    fn lift(x: f64) -> Self {
        let held = BITS >= 53 || f64::from(x as f32).to_bits() == x.to_bits();
        Self::new(x, if held { 0.0 } else { 0.5 * Self::UNIT * libm::fabs(x) })
    }
    fn value(self) -> f64 {
        self.value
    }
    /// Exact sum of the values, each term's error once, and the rounding of the additions.
    fn total(terms: impl Iterator<Item = Self>) -> Self {
        let mut sum = Sum::default();
        terms.for_each(|x| sum.push(x.value, x.error, x.noise));
        sum.finish(false)
    }
    /// As [`total`](Real::total), with one more rounding for each product.
    fn dot(pairs: impl Iterator<Item = (Self, Self)>) -> Self {
        let mut sum = Sum::default();
        for (a, b) in pairs {
            let (x, y) = (libm::fabs(a.value), libm::fabs(b.value));
            let propagated = x * b.error + y * a.error + a.error * b.error + Self::TINY;
            sum.push(a.value * b.value, propagated, Self::independent(x * b.noise + y * a.noise));
        }
        sum.finish(true)
    }
    fn affine(self, (a, b): (Self, Self), scan: &mut Scan) -> Self {
        scan.step(self, a, b)
    }
    fn frozen(self) -> Self {
        Self::exact(self.value)
    }
    fn shared(self) -> Self {
        Self { noise: 0.0, ..self }
    }
    fn weigh(self, x: Self) -> Self {
        match self.value == 0.0 && x.value.is_infinite() {
            true if self.error > 0.0 => Self::new(0.0, f64::INFINITY),
            true => self,
            false if self == Self::exact(0.0) => self,
            false => self * x,
        }
    }
    fn step(self) -> Self {
        let (value, free) = (f64::from(self.value > 0.0), libm::fabs(self.value) <= self.error);
        Self::new(value, if free && self.error > 0.0 { 1.0 } else { 0.0 })
    }
    fn relu(self) -> Self {
        Self { value: self.value.max(0.0), ..self }
    }
    fn exp(self) -> Self {
        if self.value < -Self::LARGEST {
            // An overflow keeps its sign.
            return Self::exact(0.0);
        }
        let e = libm::exp(self.value);
        let grown = if e == 0.0 { libm::exp(self.value + self.error) } else { e * libm::expm1(self.error) };
        Self::step(e, grown, Self::independent(e * self.noise), table::EXP.units(BITS))
    }
    fn exp_m1(self) -> Self {
        if self.value < -Self::LARGEST {
            return Self::exact(-1.0);
        }
        self.function(&table::EXPM1, libm::expm1(self.value), libm::exp(self.value + self.error))
    }
    fn ln(self) -> Self {
        let least = self.value - self.error;
        self.function(
            &table::LOG,
            libm::log(self.value),
            if least > 0.0 { 1.0 / least } else { f64::INFINITY },
        )
    }
    fn ln_1p(self) -> Self {
        let least = 1.0 + self.value - self.error;
        self.function(
            &table::LOG1P,
            libm::log1p(self.value),
            if least > 0.0 { 1.0 / least } else { f64::INFINITY },
        )
    }
    fn sigmoid(self) -> Self {
        // |σ'| = σ(x)σ(−x) ≤ e^{−|x|}, largest at the end of the interval nearest to 0.
        let nearest = (libm::fabs(self.value) - self.error).max(0.0);
        self.function(
            &table::SIGMOID,
            Real::sigmoid(self.value),
            Real::sigmoid(nearest) * Real::sigmoid(-nearest),
        )
    }
    fn log_sigmoid(self) -> Self {
        let slope = Real::sigmoid(self.error - self.value);
        self.function(&table::LOG_SIGMOID, Real::log_sigmoid(self.value), slope)
    }
    fn softplus(self) -> Self {
        self.function(&table::SOFTPLUS, Real::softplus(self.value), Real::sigmoid(self.value + self.error))
    }
    fn log1mexp(self) -> Self {
        // The slope is largest at the end nearest to 0; an interval that reaches 0 has no bound.
        let end = self.value + self.error;
        let slope = if end < 0.0 { libm::exp(end) / -libm::expm1(end) } else { f64::INFINITY };
        self.function(&table::LOG1MEXP, Real::log1mexp(self.value), slope)
    }
    fn tanh(self) -> Self {
        let twice = 2.0 * (libm::fabs(self.value) - self.error).max(0.0);
        self.function(
            &table::TANH,
            libm::tanh(self.value),
            4.0 * Real::sigmoid(twice) * Real::sigmoid(-twice),
        )
    }
    fn expm1m(self) -> Self {
        let ends = [self.value - self.error, self.value + self.error].map(|end| libm::fabs(libm::expm1(end)));
        self.function(&table::EXPM1M, Real::expm1m(self.value), ends[0].max(ends[1]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_that_f32_cannot_hold_carries_its_rounding() {
        assert!(Bound::<23>::lift(0.1).error > 0.0);
        assert_eq!(Bound::<23>::lift(0.25).error.to_bits(), 0.0_f64.to_bits());
    }

    /// The bound holds for f32 arithmetic and is within a factor 100 of what happens.
    #[test]
    fn f32_errors_stay_inside_and_come_near() {
        let f = |x: f64| {
            let exact = (Real::log_sigmoid(x) * 0.3 + x) / 1.7;
            let (a, b) = (Real::log_sigmoid(x as f32) * 0.3_f32 + x as f32, 1.7_f32);
            let bound =
                (Bound::<23>::exact(x).log_sigmoid() * Bound::lift(0.3) + Bound::exact(x)) / Bound::lift(1.7);
            (f64::from(a / b) - exact).abs() / bound.error
        };
        let worst = (-400..400).map(|i| f(f64::from(i) / 16.0)).fold(0.0, f64::max);
        assert!(worst < 1.0, "violated: {worst}");
        assert!(worst > 0.01, "loose: {worst}");
    }

    #[test]
    fn a_subnormal_number_may_be_flushed_and_no_other() {
        let (small, one) = (f64::from(f32::MIN_POSITIVE), 1.0);
        for x in [small / 2.0, -small / 2.0] {
            let granted = [Bound::<23>::exact(x) * Bound::lift(one), Bound::exact(x) / Bound::lift(one)];
            assert!(granted.iter().all(|b| b.error.to_bits() == x.abs().to_bits()), "{granted:?}");
            assert_eq!(Bound::<24>::exact(x) / Bound::lift(one), Bound::exact(x), "IEEE keeps it");
        }
        for x in [0.0, small, 1.0] {
            assert_eq!(Bound::<23>::exact(x) / Bound::lift(one), Bound::exact(x), "nothing to flush");
        }
    }

    #[test]
    fn sums_are_charged_by_depth() {
        let sum: Bound<23> = Real::total((0..4096).map(|_| Bound::exact(1.0)));
        assert_eq!(sum.value.to_bits(), 4096.0_f64.to_bits());
        assert!((sum.error - depth(4096) * Bound::<23>::UNIT * 4096.0).abs() < 1e-12);
    }
}
