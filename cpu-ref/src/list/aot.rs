use bellwether_core::Real;
use bellwether_core::list::Aot;
use bellwether_core::sig::list_rows::MOST_ITEMS;

use crate::list_rows::{Items, ListRow, Outputs, outputs};

/// The items of an input from the smallest on, equal ones by index.
fn sorted<T: Real>(items: &impl Items<T>, input: usize) -> [u16; MOST_ITEMS] {
    let mut order = core::array::from_fn(|i| i as u16);
    let value = |i: u16| items.input(input, i.into()).value();
    order[..items.len()].sort_unstable_by(|&a, &b| value(a).total_cmp(&value(b)).then(a.cmp(&b)));
    order
}

impl ListRow for Aot {
    fn list<T: Real>(&self, items: &impl Items<T>) -> Outputs<T> {
        let (n, orders) = (items.len(), [sorted(items, 0), sorted(items, 1)]);
        let [beta, flipped] = [self.beta, self.label_smoothing].map(T::lift);
        let loss = |p: usize| {
            let [above, below] = [0, 1].map(|input| items.input(input, orders[input][p].into()));
            let z = beta * (above - below);
            (T::one() - flipped) * (-z).softplus() + flipped * z.softplus()
        };
        outputs([T::total((0..n).map(loss)) / T::lift(n as f64)])
    }
}
