use bellwether_core::list::PairwiseLogistic;
use bellwether_core::{Dual, Real};

use crate::list_rows::{Items, ListRow, Outputs, outputs};

/// The weight of the pair in which `i` wins over `j`; `None` where it does not.
fn lambda<T: Real>(op: &PairwiseLogistic, items: &impl Items<T>, i: usize, j: usize) -> Option<T> {
    let (won, lost) = (items.constant(0, i), items.constant(0, j));
    if won.value() <= lost.value() {
        return None;
    }
    if op.unit {
        return Some(T::one());
    }
    // 1 and the rank, which is counted from 0 here.
    let [a, b] = [items.rank(i), items.rank(j)].map(|rank| T::lift(rank as f64 + 2.0));
    let [low, high] = if a.value() < b.value() { [a, b] } else { [b, a] };
    // 1/ln(low) − 1/ln(high) without its cancellation.
    let apart = ((high - low) / low).ln_1p();
    Some((won - lost) * (apart / (a.ln() * b.ln())))
}

impl ListRow for PairwiseLogistic {
    fn list<T: Real>(&self, items: &impl Items<T>) -> Outputs<T> {
        let n = items.len();
        let pair =
            |i, j| Some(lambda(self, items, i, j)? * (items.input(0, j) - items.input(0, i)).softplus());
        let losses = (0..n).map(|i| T::total((0..n).filter_map(|j| pair(i, j))));
        outputs([T::total(losses)])
    }

    /// Of all pairs only those with item `i` have a slope.
    fn slope<T: Real>(&self, items: &impl Items<T>, _input: usize, i: usize) -> Option<T> {
        let own = Dual::<T, 1>::variable(items.input(0, i), 0);
        let pair = |j| {
            let other = Dual::constant(items.input(0, j));
            match lambda(self, items, i, j) {
                Some(weight) => Some(weight * (other - own).softplus().eps[0]),
                None => Some(lambda(self, items, j, i)? * (own - other).softplus().eps[0]),
            }
        };
        Some(T::total((0..items.len()).filter_map(pair)))
    }
}
