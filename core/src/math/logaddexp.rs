//! `ln(e^a + e^b)`, and the sum of exponentials that is carried along a row.

use super::{exp::parts, log::log, log1p::log1p, scalar::Scalar};

/// `ln(e^a + e^b)`: the larger argument, and `ln(1 + e^-d)` of their distance.
///
/// What was rounded off the exponential, off the distance and off the sum is put back. The result crosses 0 where `e^a + e^b = 1`; there the two terms cancel, so the error is counted in units of the
/// largest of result and terms. Two arguments of minus infinity give minus infinity. Bounds: [`TABLE`](super::TABLE).
#[must_use]
pub fn logaddexp<T: Scalar>(a: T, b: T) -> T {
    if a.value().is_nan() {
        return a;
    }
    if b.value().is_nan() {
        return b;
    }
    let (low, high) = if b.value() > a.value() { (a, b) } else { (b, a) };
    let (e, rest) = relative(low, high);
    let term = log1p(e);
    let sum = high + term;
    if !sum.value().is_finite() {
        return sum;
    }
    let (large, small) = if term.value() > high.value().abs() { (term, high) } else { (high, term) };
    // The slope of ln(1 + e) is 1 / (1 + e), which the line meets at 0 and 1: enough for a rest.
    sum + ((small - (sum - large)) + rest * (T::lift(1.0) - T::lift(0.5) * e))
}

/// `e^(low − high)` for `low ≤ high`. The rounding of the difference is put back: that of `5.000001` is four units of
/// the exponential. With it, what was rounded off the result. Equal arguments, infinities too, give 1.
fn relative<T: Scalar>(low: T, high: T) -> (T, T) {
    if low.value().to_bits() == high.value().to_bits() {
        return (T::lift(1.0), T::lift(0.0));
    }
    let swap = high.value().abs() > low.value().abs();
    let (large, small) = if swap { (-high, low) } else { (low, -high) };
    let d = large + small;
    // Beyond, the result is 0, and the rest may be no number.
    if d.value() <= -104.0 {
        return (T::lift(0.0), T::lift(0.0));
    }
    parts(d, small - (d - large))
}

/// `sum · e^top`: a sum of exponentials relative to the largest exponent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogSumExp<T> {
    /// The largest exponent.
    pub top: T,
    /// The sum of `e^(x − top)`; 0 in the empty state, whatever `top` is.
    pub sum: T,
}

impl<T: Scalar> LogSumExp<T> {
    /// No term yet.
    #[must_use]
    pub fn empty() -> Self {
        Self { top: T::lift(-f32::MAX), sum: T::lift(0.0) }
    }

    /// One term.
    #[must_use]
    pub fn of(x: T) -> Self {
        Self { top: x, sum: T::lift(1.0) }
    }

    /// Both states in one. An empty state changes nothing, to the bit; a NaN in either stays.
    ///
    /// The bound of the table is that of the merged `sum`, for sums of at least 1.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        if self.is_nan() {
            return self;
        }
        if other.is_nan() || self.sum.value() == 0.0 {
            return other;
        }
        if other.sum.value() == 0.0 {
            return self;
        }
        let (low, high) = if other.top.value() > self.top.value() { (self, other) } else { (other, self) };
        let (e, rest) = relative(low.top, high.top);
        Self { top: high.top, sum: high.sum + (low.sum * e + low.sum * rest) }
    }

    /// `ln(sum · e^top)`; minus infinity of the empty state.
    #[must_use]
    pub fn value(self) -> T {
        if self.sum.value() == 0.0 { T::lift(f32::NEG_INFINITY) } else { self.top + log(self.sum) }
    }

    fn is_nan(self) -> bool {
        self.top.value().is_nan() || self.sum.value().is_nan()
    }
}
