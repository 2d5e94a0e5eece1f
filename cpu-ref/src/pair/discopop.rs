use bellwether_core::Real;
use bellwether_core::pair::Discopop;

use super::{PairLink, Scores};

impl PairLink for Discopop {
    fn loss<T: Real>(&self, s: &Scores<T>) -> T {
        let x = s.z / T::lift(self.tau);
        (-x).sigmoid().weigh((-s.z).softplus()) + (x.log_sigmoid() - s.z).exp()
    }
}
