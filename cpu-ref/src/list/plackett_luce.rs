use bellwether_core::Real;
use bellwether_core::list::PlackettLuce;

use crate::list_rows::{Items, ListRow, Outputs, outputs};

impl ListRow for PlackettLuce {
    fn list<T: Real>(&self, items: &impl Items<T>) -> Outputs<T> {
        let (last, top) = (items.len() - 1, usize::try_from(self.top).unwrap_or(usize::MAX));
        let score = |k| items.input(0, items.of_rank(k));
        let mut rest = score(last);
        let mut choice = |k| {
            let loss = (rest - score(k)).softplus();
            rest = (score(k) + loss).shared();
            loss
        };
        // From the last rank up, since each choice is among what stands behind it.
        let choices = (0..last).rev().map(|k| (k, choice(k)));
        let counted = choices.filter(|(k, _)| top == 0 || *k < top).map(|(_, loss)| loss);
        outputs([T::total(counted)])
    }
}
