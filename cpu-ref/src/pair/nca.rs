use bellwether_core::Real;
use bellwether_core::pair::Nca;

use super::PairLink;

impl PairLink for Nca {
    fn loss<T: Real>(&self, beta: T, w: T, l: T) -> T {
        let half = T::lift(0.5);
        -(beta * w).log_sigmoid() - half * (-(beta * w)).log_sigmoid() - half * (-(beta * l)).log_sigmoid()
    }
}
