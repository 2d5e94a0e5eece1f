use bellwether_core::{Real, logprob::K1};

use crate::token_map::{Few, MapRow, planes};

impl MapRow for K1 {
    fn map<T: Real>(&self, [logp, ..]: Few<T>, [ref_logp, ..]: Few<T>) -> Few<T> {
        planes([logp - ref_logp])
    }
}
