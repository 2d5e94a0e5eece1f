use bellwether_core::{Real, unpaired::A2po};

use crate::token_map::{Few, MapRow, planes};

impl MapRow for A2po {
    fn map<T: Real>(&self, [logp, ..]: Few<T>, [ref_logp, reward, optimal, _]: Few<T>) -> Few<T> {
        planes([(T::lift(self.beta2) * (logp - ref_logp) - (reward - optimal)).square()])
    }
}
