//! The scalar that a row function is written against.

use core::ops::{Add, Div, Mul, Neg, Sub};

use crate::bound::Scan;

/// A number, a number with derivatives ([`Dual`](crate::Dual)) or a number with an error bound ([`Bound`](crate::Bound)).
///
/// A row function written once over `T: Real` gives the reference, its gradient and its tolerance. Branch on
/// [`value`](Real::value) only. Transcendental functions are `libm`'s on every platform, so that results are the same
/// bits everywhere.
pub trait Real:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self>
{
    /// A constant or a parameter.
    fn lift(x: f64) -> Self;
    /// The value alone, for branches.
    fn value(self) -> f64;
    /// `e^x`.
    fn exp(self) -> Self;
    /// `e^x − 1`, exact near 0.
    fn exp_m1(self) -> Self;
    /// `ln x`.
    fn ln(self) -> Self;
    /// `ln(1 + x)`, exact near 0.
    fn ln_1p(self) -> Self;
    /// `σ(x) = 1/(1 + e^{−x})`.
    fn sigmoid(self) -> Self;
    /// `log σ(x) = −log(1 + e^{−x})`, finite wherever `x` is.
    fn log_sigmoid(self) -> Self;
    /// `log(1 + e^x) = −log σ(−x)`, finite wherever `x` is.
    fn softplus(self) -> Self;
    /// `log(1 − e^x)` for `x < 0`: what a probability of logarithm `x` leaves.
    fn log1mexp(self) -> Self;
    /// `tanh x`.
    fn tanh(self) -> Self;
    /// `e^x − 1 − x ≥ 0`, exact near 0: the third divergence estimate (k3) of a log-ratio.
    fn expm1m(self) -> Self;

    /// 0.
    fn zero() -> Self {
        Self::lift(0.0)
    }
    /// 1.
    fn one() -> Self {
        Self::lift(1.0)
    }
    /// The sum, in order. f32 sums in blocks, so that no term passes through more than
    /// [`depth`](crate::bound::depth) additions.
    fn total(terms: impl Iterator<Item = Self>) -> Self {
        terms.fold(Self::zero(), |a, b| a + b)
    }
    /// The sum of products, as [`total`](Real::total) sums.
    fn dot(pairs: impl Iterator<Item = (Self, Self)>) -> Self {
        Self::total(pairs.map(|(a, b)| a * b))
    }
    /// `a + b · self`: one step of an affine scan whose state this is, from a state of 0 and a fresh [`Scan`] on.
    fn affine(self, (a, b): (Self, Self), _scan: &mut Scan) -> Self {
        a + b * self
    }
    /// `self · x`, and 0 where `self` is 0 however large `x` is: `0 · log 0 = 0`, and nothing flows through a slope
    /// of 0.
    fn weigh(self, x: Self) -> Self {
        if self.value() == 0.0 { Self::zero() } else { self * x }
    }
    /// The value alone, where a result does not depend on this number mathematically: a shift that cancels.
    fn frozen(self) -> Self {
        Self::lift(self.value())
    }
    /// The same number without its derivatives: what a paper writes as stop-gradient.
    fn detached(self) -> Self {
        self
    }
    /// The same number, about to be used in many terms of a sum: their errors are no longer independent.
    fn shared(self) -> Self {
        self
    }
    /// `x²`.
    fn square(self) -> Self {
        self * self
    }
    /// 1 where `x > 0`, else 0: strict, as accuracies are counted. A [`Bound`](crate::Bound) that reaches 0 may be
    /// either.
    fn step(self) -> Self {
        Self::lift(if self.value() > 0.0 { 1.0 } else { 0.0 })
    }
    /// `max(x, 0)` with derivative 0 at 0, as torch's `relu`.
    fn relu(self) -> Self {
        if self.value() > 0.0 { self } else { Self::zero() }
    }
}

macro_rules! machine {
    ($t:ty, $exp:ident, $expm1:ident, $log:ident, $log1p:ident, $tanh:ident $(, $total:item)?) => {
        impl Real for $t {
            fn lift(x: f64) -> Self {
                x as $t
            }
            fn value(self) -> f64 {
                self.into()
            }
            fn exp(self) -> Self {
                libm::$exp(self)
            }
            fn exp_m1(self) -> Self {
                libm::$expm1(self)
            }
            fn ln(self) -> Self {
                libm::$log(self)
            }
            fn ln_1p(self) -> Self {
                libm::$log1p(self)
            }
            fn sigmoid(self) -> Self {
                let e = libm::$exp(-self.abs());
                if self >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) }
            }
            fn log_sigmoid(self) -> Self {
                self.min(0.0) - libm::$log1p(libm::$exp(-self.abs()))
            }
            fn softplus(self) -> Self {
                self.max(0.0) + libm::$log1p(libm::$exp(-self.abs()))
            }
            fn log1mexp(self) -> Self {
                // 1 − e^x is 1/2 here: the side of it that holds more digits.
                if f64::from(self) > -core::f64::consts::LN_2 {
                    libm::$log(-libm::$expm1(self))
                } else {
                    libm::$log1p(-libm::$exp(self))
                }
            }
            fn tanh(self) -> Self {
                libm::$tanh(self)
            }
            fn expm1m(self) -> Self {
                expm1m(self.into()) as $t
            }
            $($total)?
        }
    };
}
machine!(f64, exp, expm1, log, log1p, tanh);
machine!(
    f32,
    expf,
    expm1f,
    logf,
    log1pf,
    tanhf,
    fn total(terms: impl Iterator<Item = Self>) -> Self {
        blocked_sum(terms)
    }
);

/// `e^x − 1 − x`: the series below 1, where the difference would cancel.
fn expm1m(x: f64) -> f64 {
    if x.abs() >= 1.0 {
        // The exponential is infinite long before 1000.
        return libm::expm1(x) - x.min(1e3);
    }
    // From the smallest term: x²/2 (1 + x/3 (1 + x/4 (…))).
    let nested = (3..24).rev().fold(1.0, |inner, k| 1.0 + x / f64::from(k) * inner);
    0.5 * x * x * nested
}

/// Sums of 16, sums of 16 of those, and the sum of these.
fn blocked_sum(mut terms: impl Iterator<Item = f32>) -> f32 {
    let mut total = 0.0;
    loop {
        let mut outer = 0.0;
        for _ in 0..16 {
            let mut inner = 0.0;
            for _ in 0..16 {
                match terms.next() {
                    Some(x) => inner += x,
                    None => return total + (outer + inner),
                }
            }
            outer += inner;
        }
        total += outer;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_sigmoid_holds_its_digits_at_both_ends() {
        for (x, want) in [(0.0, -core::f64::consts::LN_2), (40.0, -4.248354255291589e-18), (-800.0, -800.0)] {
            let got = Real::log_sigmoid(x);
            assert!((got - want).abs() <= 1e-15 * want.abs(), "log_sigmoid({x}) = {got:e}, want {want:e}");
        }
        assert!((Real::log_sigmoid(17.0_f32) - -4.139_937_7e-8).abs() < 1e-14);
    }

    #[test]
    fn f32_sums_hold_many_small_terms() {
        let exact = 1.0 + 1e5 * f64::from(1.2e-4_f32);
        let got: f32 = Real::total(core::iter::once(1.0).chain(core::iter::repeat_n(1.2e-4_f32, 100_000)));
        assert!((f64::from(got) - exact).abs() < 1e-6 * exact, "{got} against {exact}");
    }

    #[test]
    fn the_third_divergence_estimate_holds_its_digits() {
        // Forty digits, rounded.
        let known = [
            (1e-8, 5.000_000_016_666_667e-17),
            (-1e-3, 4.998_333_749_916_681e-7),
            (0.5, 0.148_721_270_700_128_15),
            (-0.999_9, 0.367_816_230_955_018),
            (2.0, 4.389_056_098_930_65),
        ];
        for (x, want) in known {
            let got: f64 = Real::expm1m(x);
            assert!((got - want).abs() <= 1e-15 * want, "expm1m({x}) = {got:e}, want {want:e}");
        }
        assert_eq!(Real::expm1m(-1e4_f64).to_bits(), 9999.0_f64.to_bits());
    }

    #[test]
    fn sigmoid_never_overflows() {
        assert_eq!(Real::sigmoid(-1e30_f32).to_bits(), 0.0_f32.to_bits());
        assert_eq!(Real::sigmoid(1e30_f64).to_bits(), 1.0_f64.to_bits());
    }
}
