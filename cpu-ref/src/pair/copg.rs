use bellwether_core::Real;
use bellwether_core::pair::Copg;

use super::{PairLink, Scores};

impl PairLink for Copg {
    fn loss<T: Real>(&self, s: &Scores<T>) -> T {
        s.z.square() / (T::lift(2.0) * s.beta)
    }
}
