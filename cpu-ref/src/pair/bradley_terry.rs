use bellwether_core::Real;
use bellwether_core::pair::BradleyTerry;

use super::{PairLink, Scores};

impl PairLink for BradleyTerry {
    fn loss<T: Real>(&self, s: &Scores<T>) -> T {
        -s.z.log_sigmoid() + T::lift(self.center) * (s.w + s.l).square()
    }
}
