use bellwether_core::Real;
use bellwether_core::pair::Logistic;

use super::{PairLink, Scores};

impl PairLink for Logistic {
    fn loss<T: Real>(&self, s: &Scores<T>) -> T {
        -s.z.log_sigmoid()
    }
}
