//! The hyperbolic tangent.

use super::exp::exp;
use super::scalar::{Scalar, horner};

/// `tanh x`: `x + x³ p(x²)` for `|x| < 0.5625`, p near-minimax of degree 4; `1 − 2 / (e^2|x| + 1)` beyond, ±1 from
/// 9.02 on. Bounds: [`TABLE`](super::TABLE).
#[must_use]
pub fn tanh<T: Scalar>(x: T) -> T {
    const P: [f32; 5] = [-0.006_193_642_5, 0.021_018_373, -0.053_840_425, 0.133_324_85, -0.333_333_16];
    let v = x.value();
    if v.is_nan() {
        return x;
    }
    if v.abs() < 0.5625 {
        let square = x * x;
        return x + (square * x) * horner(square, P);
    }
    let a = if v < 0.0 { -x } else { x };
    let t =
        if v.abs() < 9.02 { T::lift(1.0) - T::lift(2.0) / (exp(a + a) + T::lift(1.0)) } else { T::lift(1.0) };
    if v < 0.0 { -t } else { t }
}
