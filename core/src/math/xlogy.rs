//! `x ln y`.

use super::{log::log, scalar::Scalar};

/// `x ln y`, and 0 where `x` is 0 whatever `y` is, a NaN excepted: what entropies add up.
///
/// Bounds: [`TABLE`](super::TABLE).
#[must_use]
pub fn xlogy<T: Scalar>(x: T, y: T) -> T {
    if y.value().is_nan() {
        return y;
    }
    if x.value() == 0.0 {
        return T::lift(0.0);
    }
    x * log(y)
}
