//! `policy/sapo`.

use bellwether_core::Real;
use bellwether_core::policy::Sapo;

use crate::policy_rows::{SurrogateRow, Term};

/// Beyond this log-ratio the gate is open to the last digit for every temperature there may be, and the ratio near overflow.
const OPEN: f64 = 80.0;

impl SurrogateRow for Sapo {
    fn surrogate<T: Real>(&self, log_ratio: T, _: T, advantage: T) -> Term<T> {
        let temperature = if advantage.value() > 0.0 { self.temperature_pos } else { self.temperature_neg };
        let temperature = T::lift(temperature);
        let held = log_ratio - (log_ratio - T::lift(OPEN)).relu();
        let gate = (temperature * held.exp_m1()).sigmoid();
        Term::new(-(T::lift(4.0) / temperature * gate * advantage))
    }
}
