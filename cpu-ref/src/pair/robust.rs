use bellwether_core::Real;
use bellwether_core::pair::Robust;

use super::PairLink;

impl PairLink for Robust {
    fn loss<T: Real>(&self, beta: T, w: T, l: T) -> T {
        let (e, z) = (T::lift(self.label_smoothing), beta * (w - l));
        let loss = |z: T| -z.log_sigmoid();
        ((T::one() - e) * loss(z) - e.weigh(loss(-z))) / (T::one() - T::lift(2.0) * e)
    }
}
