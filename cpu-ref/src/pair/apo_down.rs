use bellwether_core::Real;
use bellwether_core::pair::ApoDown;

use super::{PairLink, Scores};

impl PairLink for ApoDown {
    fn loss<T: Real>(&self, s: &Scores<T>) -> T {
        (s.beta * s.w).sigmoid() + (-s.z).sigmoid()
    }
}
