use bellwether_core::Real;
use bellwether_core::pair::Square;

use super::{PairLink, Scores};

impl PairLink for Square {
    fn loss<T: Real>(&self, s: &Scores<T>) -> T {
        ((s.z - T::lift(0.5)) / s.beta).square()
    }
}
