use bellwether_core::Real;
use bellwether_core::list::ContextMixture;

use super::logsumexp;
use crate::list_rows::{Items, ListRow, Outputs, outputs};

impl ListRow for ContextMixture {
    fn list<T: Real>(&self, items: &impl Items<T>) -> Outputs<T> {
        let term = |z| items.input(1, z) + items.input(0, z).log_sigmoid();
        outputs([-logsumexp(items.len(), term)])
    }
}
