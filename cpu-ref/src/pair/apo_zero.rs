use bellwether_core::Real;
use bellwether_core::pair::ApoZero;

use super::{PairLink, Scores};

impl PairLink for ApoZero {
    fn loss<T: Real>(&self, s: &Scores<T>) -> T {
        (-(s.beta * s.w)).sigmoid() + (s.beta * s.l).sigmoid()
    }
}
