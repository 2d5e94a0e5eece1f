//! Forward-mode derivatives: a value and `N` partial derivatives carried along.

#![expect(
    clippy::suspicious_arithmetic_impl,
    reason = "a derivative's product rule adds, its quotient rule subtracts"
)]

use core::ops::{Add, Div, Mul, Neg, Sub};

use crate::Real;

/// A number with `N` partial derivatives, over any inner scalar: `Dual<f64, 2>` is the reference's gradient,
/// `Dual<Bound<23>, 2>` the tolerance of that gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dual<T, const N: usize> {
    /// The value.
    pub re: T,
    /// The partial derivatives.
    pub eps: [T; N],
}

impl<T: Real, const N: usize> Dual<T, N> {
    /// A value without derivatives.
    pub fn constant(re: T) -> Self {
        Self { re, eps: [T::zero(); N] }
    }

    /// The `i`-th independent variable.
    pub fn variable(re: T, i: usize) -> Self {
        let mut x = Self::constant(re);
        x.eps[i] = T::one();
        x
    }

    /// `f(self)` from the value of `f` and its derivative.
    fn chain(self, re: T, slope: T) -> Self {
        Self { re, eps: self.eps.map(|e| e.weigh(slope)) }
    }

    fn zip(self, other: Self, re: T, f: impl Fn(T, T) -> T) -> Self {
        Self { re, eps: core::array::from_fn(|i| f(self.eps[i], other.eps[i])) }
    }
}

impl<T: Real, const N: usize> Add for Dual<T, N> {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        self.zip(o, self.re + o.re, |a, b| a + b)
    }
}

impl<T: Real, const N: usize> Sub for Dual<T, N> {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        self.zip(o, self.re - o.re, |a, b| a - b)
    }
}

impl<T: Real, const N: usize> Mul for Dual<T, N> {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        self.zip(o, self.re * o.re, |a, b| a.weigh(o.re) + b.weigh(self.re))
    }
}

impl<T: Real, const N: usize> Div for Dual<T, N> {
    type Output = Self;
    fn div(self, o: Self) -> Self {
        let re = self.re / o.re;
        self.zip(o, re, |a, b| (a - b.weigh(re)) / o.re)
    }
}

impl<T: Real, const N: usize> Neg for Dual<T, N> {
    type Output = Self;
    fn neg(self) -> Self {
        Self { re: -self.re, eps: self.eps.map(|e| -e) }
    }
}

impl<T: Real, const N: usize> Real for Dual<T, N> {
    fn lift(x: f64) -> Self {
        Self::constant(T::lift(x))
    }
    fn value(self) -> f64 {
        self.re.value()
    }
    fn detached(self) -> Self {
        Self::constant(self.re)
    }
    fn step(self) -> Self {
        Self::constant(self.re.step())
    }
    fn relu(self) -> Self {
        self.chain(self.re.relu(), self.re.step())
    }
    fn shared(self) -> Self {
        Self { re: self.re.shared(), eps: self.eps.map(Real::shared) }
    }
    fn exp(self) -> Self {
        let e = self.re.exp();
        self.chain(e, e)
    }
    fn exp_m1(self) -> Self {
        self.chain(self.re.exp_m1(), self.re.exp())
    }
    fn ln(self) -> Self {
        self.chain(self.re.ln(), T::one() / self.re)
    }
    fn ln_1p(self) -> Self {
        self.chain(self.re.ln_1p(), T::one() / (T::one() + self.re))
    }
    fn sigmoid(self) -> Self {
        self.chain(self.re.sigmoid(), self.re.sigmoid() * (-self.re).sigmoid())
    }
    fn log_sigmoid(self) -> Self {
        self.chain(self.re.log_sigmoid(), (-self.re).sigmoid())
    }
    fn softplus(self) -> Self {
        self.chain(self.re.softplus(), self.re.sigmoid())
    }
    fn log1mexp(self) -> Self {
        self.chain(self.re.log1mexp(), self.re.exp() / self.re.exp_m1())
    }
    fn tanh(self) -> Self {
        // 1 − tanh² without its cancellation.
        let twice = self.re + self.re;
        self.chain(self.re.tanh(), T::lift(4.0) * (twice.sigmoid() * (-twice).sigmoid()))
    }
    fn expm1m(self) -> Self {
        self.chain(self.re.expm1m(), self.re.exp_m1())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Central differences against the dual of every primitive, at points away from kinks.
    #[test]
    fn every_primitive_agrees_with_central_differences() {
        type D = Dual<f64, 1>;
        type Primitive = (&'static str, fn(f64) -> f64, fn(D) -> D);
        let primitives: [Primitive; 14] = [
            ("exp", Real::exp, Real::exp),
            ("exp_m1", Real::exp_m1, Real::exp_m1),
            ("ln", Real::ln, Real::ln),
            ("ln_1p", Real::ln_1p, Real::ln_1p),
            ("sigmoid", Real::sigmoid, Real::sigmoid),
            ("log_sigmoid", Real::log_sigmoid, Real::log_sigmoid),
            ("softplus", Real::softplus, Real::softplus),
            ("log1mexp", |x| (-x).log1mexp(), |x| (-x).log1mexp()),
            ("tanh", Real::tanh, Real::tanh),
            ("expm1m", |x| x.expm1m() + (-x).expm1m(), |x| x.expm1m() + (-x).expm1m()),
            ("square", Real::square, Real::square),
            ("relu", Real::relu, Real::relu),
            ("quotient", |x| (x + 1.0) / (x * x), |x| (x + D::one()) / (x * x)),
            ("difference", |x| 3.0 * x - x * x, |x| D::lift(3.0) * x - x * x),
        ];
        for (name, plain, dual) in primitives {
            for x in [0.3, 1.0, 2.5, 7.0] {
                let h = 1e-5;
                let slope = (plain(x + h) - plain(x - h)) / (2.0 * h);
                let got = dual(D::variable(x, 0)).eps[0];
                assert!(
                    (got - slope).abs() <= 1e-8 * slope.abs().max(1.0),
                    "{name}({x}): {got} against {slope}"
                );
            }
        }
    }
}
