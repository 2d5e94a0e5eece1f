use bellwether_core::Real;
use bellwether_core::pair::Bco;

use super::{PairLink, Scores};

impl PairLink for Bco {
    fn loss<T: Real>(&self, s: &Scores<T>) -> T {
        let delta = T::lift(self.delta);
        -(s.beta * s.w - delta).log_sigmoid() - (delta - s.beta * s.l).log_sigmoid()
    }
}
