use bellwether_core::Real;
use bellwether_core::pair::Exo;

use super::{PairLink, Scores};

impl PairLink for Exo {
    fn loss<T: Real>(&self, s: &Scores<T>) -> T {
        let (kept, flipped) = (T::lift(1.0 - self.epsilon), T::lift(self.epsilon));
        s.z.sigmoid().weigh(s.z.log_sigmoid() - kept.ln())
            + (-s.z).sigmoid().weigh((-s.z).log_sigmoid() - flipped.ln())
    }
}
