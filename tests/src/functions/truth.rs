//! True values: `libm` in f64, in forms that do not cancel.
//!
//! Each is good to some 2^-50 of its value, 2^-26 of a unit in the last place of f32; points of every function were
//! compared with 50 decimal digits when this was written.

use super::{Args, Truth};

/// `e^x − 1 − x`; the series where the difference would cancel.
pub(super) fn expm1m(x: f64) -> f64 {
    if x.abs() >= 0.25 {
        return libm::expm1(x) - x;
    }
    let (mut term, mut sum) = (0.5 * x * x, 0.0);
    for k in 3..20 {
        sum += term;
        term *= x / f64::from(k);
    }
    sum
}

pub(super) fn log1mexp(x: f64) -> f64 {
    if x > -std::f64::consts::LN_2 { libm::log(-libm::expm1(x)) } else { libm::log1p(-libm::exp(x)) }
}

pub(super) fn sigmoid(x: f64) -> f64 {
    let e = libm::exp(-x.abs());
    if x >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) }
}

pub(super) fn softplus(x: f64) -> f64 {
    x.max(0.0) + libm::log1p(libm::exp(-x.abs()))
}

pub(super) fn xlogy(v: Args<f64>) -> Truth {
    (if v[0] == 0.0 { 0.0 } else { v[0] * libm::log(v[1]) }).into()
}

/// Near 0 the two terms cancel: the unit is that of the largest of result and terms.
pub(super) fn logaddexp(v: Args<f64>) -> Truth {
    let (high, low) = (v[0].max(v[1]), v[0].min(v[1]));
    let term = libm::log1p(libm::exp(low - high));
    let value = high + term;
    Truth { value, scale: value.abs().max(term) }
}

pub(super) fn merged(v: Args<f64>) -> Truth {
    let [a, b, sum_a, sum_b] = v;
    if sum_a == 0.0 || sum_b == 0.0 {
        return (sum_a + sum_b).into();
    }
    let top = a.max(b);
    (sum_a * libm::exp(a - top) + sum_b * libm::exp(b - top)).into()
}
