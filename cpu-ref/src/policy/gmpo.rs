//! `policy/gmpo`.

use bellwether_core::Real;
use bellwether_core::policy::Gmpo;

use crate::policy_rows::{SurrogateRow, Term};

impl SurrogateRow for Gmpo {
    fn bounded<T: Real>(&self, log_ratio: T, advantage: T) -> T {
        if advantage.value() > 0.0 {
            log_ratio - (log_ratio - T::lift(self.epsilon_high)).relu()
        } else {
            log_ratio + (T::lift(-self.epsilon_low) - log_ratio).relu()
        }
    }

    fn surrogate<T: Real>(&self, log_ratio: T, _: T, advantage: T) -> Term<T> {
        Term::new(-(log_ratio.exp() * advantage))
    }
}
