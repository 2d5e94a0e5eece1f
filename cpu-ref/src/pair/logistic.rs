use bellwether_core::Real;
use bellwether_core::pair::Logistic;

use super::PairLink;

impl PairLink for Logistic {
    fn loss<T: Real>(&self, beta: T, w: T, l: T) -> T {
        let (e, z) = (T::lift(self.label_smoothing), beta * (w - l));
        -((T::one() - e) * z.log_sigmoid()) - e.weigh((-z).log_sigmoid())
    }
}
