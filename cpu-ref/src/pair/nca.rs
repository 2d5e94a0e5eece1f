use bellwether_core::Real;
use bellwether_core::pair::Nca;

use super::{PairLink, Scores};

impl PairLink for Nca {
    fn loss<T: Real>(&self, s: &Scores<T>) -> T {
        let half = T::lift(0.5);
        let (w, l) = (s.beta * s.w, s.beta * s.l);
        -w.log_sigmoid() - half * (-w).log_sigmoid() - half * (-l).log_sigmoid()
    }
}
