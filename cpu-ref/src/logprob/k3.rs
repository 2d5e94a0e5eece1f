use bellwether_core::{Real, logprob::K3};

use crate::token_map::{Few, MapRow, planes};

impl MapRow for K3 {
    fn map<T: Real>(&self, [logp, ..]: Few<T>, [ref_logp, ..]: Few<T>) -> Few<T> {
        planes([(ref_logp - logp).expm1m()])
    }
}
