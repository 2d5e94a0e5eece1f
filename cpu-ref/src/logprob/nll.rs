use bellwether_core::{Real, logprob::Nll};

use crate::token_map::{Few, MapRow, planes};

impl MapRow for Nll {
    fn map<T: Real>(&self, [logp, ..]: Few<T>, _: Few<T>) -> Few<T> {
        // A difference and no change of sign: a device may flush a subnormal.
        planes([T::zero() - logp])
    }
}
