use bellwether_core::Real;
use bellwether_core::list::Brain;

use super::logsumexp;
use crate::list_rows::{Items, ListRow, Outputs, outputs};

impl ListRow for Brain {
    fn list<T: Real>(&self, items: &impl Items<T>) -> Outputs<T> {
        let (n, gamma) = (items.len(), T::lift(self.gamma));
        let [prior, prop, reward] = [0, 1, 2].map(|k| move |i| items.constant(k, i));
        let target = |i| (prior(i) + reward(i) / gamma) - prop(i);
        let policy = |i| items.input(0, i) - prop(i);
        let (all_target, all_policy) = (logsumexp(n, target).shared(), logsumexp(n, policy).shared());
        // Both sum to 1, so Σ α (e^t − 1 − t) is the divergence, of terms that are not negative.
        let term = |i| {
            let (log_a, log_q) = (target(i) - all_target, policy(i) - all_policy);
            let t = log_q - log_a;
            if t.value() < 1.0 {
                log_a.exp() * t.expm1m()
            } else {
                log_q.exp() - log_a.exp() * (T::one() + t)
            }
        };
        let squares = T::total((0..n).map(|i| (target(i) - all_target).exp().square()));
        outputs([T::total((0..n).map(term)), T::one() / squares])
    }
}
