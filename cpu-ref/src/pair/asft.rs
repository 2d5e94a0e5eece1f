use bellwether_core::Real;
use bellwether_core::pair::Asft;

use super::{PairLink, Scores};

impl PairLink for Asft {
    fn loss<T: Real>(&self, s: &Scores<T>) -> T {
        let lambda = T::lift(self.lambda);
        -((T::one() + lambda) * s.w) - lambda.weigh(s.l.log1mexp())
    }
}
