use bellwether_core::Real;
use bellwether_core::pair::ApoZero;

use super::PairLink;

impl PairLink for ApoZero {
    fn loss<T: Real>(&self, beta: T, w: T, l: T) -> T {
        (-(beta * w)).sigmoid() + (beta * l).sigmoid()
    }
}
