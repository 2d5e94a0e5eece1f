use bellwether_core::Real;
use bellwether_core::pair::Sppo;

use super::PairLink;

impl PairLink for Sppo {
    fn loss<T: Real>(&self, beta: T, w: T, l: T) -> T {
        let half_eta = T::one() / (T::lift(2.0) * beta);
        (w - half_eta).square() + (l + half_eta).square()
    }
}
