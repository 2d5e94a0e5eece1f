use bellwether_core::Real;
use bellwether_core::pair::Hinge;

use super::{PairLink, Scores};

impl PairLink for Hinge {
    fn loss<T: Real>(&self, s: &Scores<T>) -> T {
        (T::one() - s.z).relu()
    }
}
