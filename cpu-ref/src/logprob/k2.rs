use bellwether_core::{Real, logprob::K2};

use crate::token_map::{Few, MapRow, planes};

impl MapRow for K2 {
    fn map<T: Real>(&self, [logp, ..]: Few<T>, [ref_logp, ..]: Few<T>) -> Few<T> {
        planes([T::lift(0.5) * (ref_logp - logp).square()])
    }
}
