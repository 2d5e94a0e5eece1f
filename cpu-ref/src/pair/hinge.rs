use bellwether_core::Real;
use bellwether_core::pair::Hinge;

use super::PairLink;

impl PairLink for Hinge {
    fn loss<T: Real>(&self, beta: T, w: T, l: T) -> T {
        (T::one() - beta * (w - l)).relu()
    }
}
