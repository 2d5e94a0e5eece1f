use bellwether_core::Real;
use bellwether_core::list::Copg;

use crate::list_rows::{Items, ListRow, Outputs, outputs};

impl ListRow for Copg {
    fn list<T: Real>(&self, items: &impl Items<T>) -> Outputs<T> {
        let (n, beta) = (items.len(), T::lift(self.beta));
        let regularised = |i| items.constant(0, i) - beta * items.input(0, i);
        let [k, others] = [n, n - 1].map(|count| T::lift(count as f64));
        let mean = (T::total((0..n).map(regularised)) / k).shared();
        let squares = T::total((0..n).map(|i| (regularised(i) - mean).square()));
        outputs([k / others * squares])
    }
}
