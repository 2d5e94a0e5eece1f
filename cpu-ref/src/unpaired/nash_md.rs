use bellwether_core::{Real, unpaired::NashMd};

use crate::token_map::{Few, MapRow, planes};

impl MapRow for NashMd {
    fn map<T: Real>(&self, [logp, ..]: Few<T>, [ref_logp, probability, ..]: Few<T>) -> Few<T> {
        let (kl, score) = (logp - ref_logp, (probability - T::lift(0.5)) * logp);
        planes([T::lift(self.beta) * kl.detached() * logp - score, score, kl])
    }
}
