//! `policy/clip`.

use bellwether_core::Real;
use bellwether_core::policy::Clip;

use crate::policy_rows::{SurrogateRow, Term};

impl SurrogateRow for Clip {
    fn surrogate<T: Real>(&self, log_ratio: T, _: T, advantage: T) -> Term<T> {
        let low = T::lift(libm::log1p(-self.epsilon_low));
        let high = T::lift(libm::log1p(self.epsilon_high));
        // min(a, b) = a − relu(a − b), so that the end itself passes the gradient; in logarithms, where nothing overflows.
        let (held, metrics) = if advantage.value() > 0.0 {
            (log_ratio - (log_ratio - high).relu(), [T::zero(), (log_ratio - high).step()])
        } else {
            let capped = log_ratio - (log_ratio - T::lift(libm::log(self.delta))).relu();
            (capped + (low - capped).relu(), [(low - log_ratio).step(), T::zero()])
        };
        let metrics = if advantage.value() == 0.0 { [T::zero(); 2] } else { metrics };
        Term { loss: -(held.exp() * advantage), metrics }
    }
}
