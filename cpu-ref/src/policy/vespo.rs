//! `policy/vespo`.

use bellwether_core::Real;
use bellwether_core::policy::Vespo;

use crate::policy_rows::{SurrogateRow, Term};

/// `clamp(x, low, high)`.
fn clamp<T: Real>(x: T, low: f64, high: f64) -> T {
    let capped = x - (x - T::lift(high)).relu();
    capped + (T::lift(low) - capped).relu()
}

impl SurrogateRow for Vespo {
    fn bounded<T: Real>(&self, log_ratio: T, _: T) -> T {
        clamp(log_ratio, -Self::HIGHEST, Self::HIGHEST)
    }

    fn surrogate<T: Real>(&self, log_ratio: T, logp: T, advantage: T) -> Term<T> {
        let [k, lambda] = if advantage.value() < 0.0 {
            [self.k_neg, self.lambda_neg]
        } else {
            [self.k_pos, self.lambda_pos]
        };
        let [k, lambda] = [k, lambda].map(T::lift);
        let s = clamp(log_ratio, Self::LOWEST, Self::HIGHEST).detached();
        let phi = (lambda + k * s - lambda * s.exp()).exp();
        Term { loss: -(phi * advantage * logp), metrics: [phi, T::zero()] }
    }
}
