use bellwether_core::Real;
use bellwether_core::pair::Square;

use super::PairLink;

impl PairLink for Square {
    fn loss<T: Real>(&self, beta: T, w: T, l: T) -> T {
        (w - l - T::one() / (T::lift(2.0) * beta)).square()
    }
}
