use bellwether_core::Real;
use bellwether_core::pair::Sppo;

use super::{PairLink, Scores};

impl PairLink for Sppo {
    fn loss<T: Real>(&self, s: &Scores<T>) -> T {
        let half_eta = T::one() / (T::lift(2.0) * s.beta);
        (s.w - half_eta).square() + (s.l + half_eta).square()
    }
}
