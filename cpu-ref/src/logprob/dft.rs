use bellwether_core::{Real, logprob::Dft};

use crate::token_map::{Few, MapRow, planes};

impl MapRow for Dft {
    fn map<T: Real>(&self, [logp, ..]: Few<T>, _: Few<T>) -> Few<T> {
        planes([-(logp.detached().exp() * logp)])
    }
}
