use bellwether_core::{Real, unpaired::ApoZero};

use super::{is_desirable, weight};
use crate::token_map::{Few, MapRow, planes};

impl MapRow for ApoZero {
    fn map<T: Real>(&self, [logp, ..]: Few<T>, [ref_logp, desirable, ..]: Few<T>) -> Few<T> {
        let reward = T::lift(self.beta) * (logp - ref_logp);
        let bad = if is_desirable(desirable) { -reward } else { reward };
        let weight = weight(desirable, self.desirable_weight, self.undesirable_weight);
        planes([weight * bad.sigmoid(), reward])
    }
}
