//! `policy/cispo`.

use bellwether_core::Real;
use bellwether_core::policy::Cispo;

use crate::policy_rows::{SurrogateRow, Term};

impl SurrogateRow for Cispo {
    fn surrogate<T: Real>(&self, log_ratio: T, logp: T, advantage: T) -> Term<T> {
        let over = log_ratio - T::lift(libm::log(self.epsilon_high));
        let weight = (log_ratio - over.relu()).exp().detached();
        let clipped = if advantage.value() > 0.0 { over.step() } else { T::zero() };
        Term { loss: -(weight * advantage * logp), metrics: [clipped, T::zero()] }
    }
}
