use bellwether_core::Real;
use bellwether_core::list::LeaveOneOut;

use crate::list_rows::{Items, ListRow, Outputs, outputs};

impl ListRow for LeaveOneOut {
    fn list<T: Real>(&self, items: &impl Items<T>) -> Outputs<T> {
        let n = items.len();
        let log_ratio = |i| (items.input(0, i) - items.constant(0, i)).detached();
        let [k, others] = [n, n - 1].map(|count| T::lift(count as f64));
        let mean = (T::total((0..n).map(log_ratio)) / k).shared();
        // f_i less the mean of the others is f_i less the mean of all, k/(k − 1) times.
        let advantage = |i| (log_ratio(i) - mean) * k / others;
        // Worth nothing; its slope is that of the surrogate.
        let surrogate = |i| advantage(i) * (items.input(0, i) - items.input(0, i).detached());
        outputs([mean + T::total((0..n).map(surrogate)) / k])
    }
}
