use bellwether_core::{Real, unpaired::DirectAdvantage};

use crate::token_map::{Few, MapRow, planes};

impl MapRow for DirectAdvantage {
    fn map<T: Real>(&self, [logp, ..]: Few<T>, [ref_logp, advantage, ..]: Few<T>) -> Few<T> {
        planes([T::lift(0.5) * (advantage / T::lift(self.beta) - (logp - ref_logp)).square()])
    }
}
