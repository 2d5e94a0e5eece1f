use bellwether_core::Real;
use bellwether_core::pair::Regression;

use super::{PairLink, Scores};

impl PairLink for Regression {
    fn loss<T: Real>(&self, s: &Scores<T>) -> T {
        s.z.square()
    }
}
