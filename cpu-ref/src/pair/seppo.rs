use bellwether_core::Real;
use bellwether_core::pair::Seppo;

use super::{PairLink, Scores};

impl PairLink for Seppo {
    fn loss<T: Real>(&self, s: &Scores<T>) -> T {
        let against = if s.w.value() >= 0.0 { -s.l } else { s.l };
        (-(s.beta * (s.w + against))).softplus()
    }
}
