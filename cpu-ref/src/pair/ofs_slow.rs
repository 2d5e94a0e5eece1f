use bellwether_core::Real;
use bellwether_core::pair::OfsSlow;

use super::{PairLink, Scores};

impl PairLink for OfsSlow {
    fn loss<T: Real>(&self, s: &Scores<T>) -> T {
        (-(s.beta * (s.w - s.l))).softplus() - T::lift(self.alpha) * s.z.softplus()
    }
}
