//! `1 / (1 + e^-x)`.

use super::exp::parts;
use super::scalar::Scalar;

/// `1 / (1 + e^-x)`, with all digits for a large negative `x`: `e / (1 + e)` there, of `e = e^-|x|`.
///
/// A correction puts back what was rounded off `e` and off `1 + e`. A compiler that reassociates drops it; the error is
/// then below 2.5 units. The other side is `sigmoid(-x)`, never 1 minus this. Results below 2^-126 are subnormal (`x`
/// below −87.3): a device may flush them to 0. Bounds: [`TABLE`](super::TABLE).
#[must_use]
pub fn sigmoid<T: Scalar>(x: T) -> T {
    let v = x.value();
    if v.is_nan() {
        return x;
    }
    let one = T::lift(1.0);
    let (e, e_rest) = parts(if v > 0.0 { -x } else { x }, T::lift(0.0));
    let d = one + e;
    let d_rest = (e - (d - one)) + e_rest;
    let (top, top_rest) = if v >= 0.0 { (one, T::lift(0.0)) } else { (e, e_rest) };
    let y = top / d;
    // 1 / d, as y or as 1 - y: one of the two.
    let w = if v >= 0.0 { y } else { one - y };
    y + (top_rest - y * d_rest) * w
}
