use bellwether_core::{Real, unpaired::Bco};

use super::is_desirable;
use crate::token_map::{Few, MapRow, planes};

impl MapRow for Bco {
    fn map<T: Real>(&self, [logp, ..]: Few<T>, [ref_logp, desirable, delta, _]: Few<T>) -> Few<T> {
        let reward = T::lift(self.beta) * (logp - ref_logp);
        let shifted = reward - delta.detached();
        let right = if is_desirable(desirable) { shifted } else { -shifted };
        planes([-right.log_sigmoid(), reward])
    }
}
