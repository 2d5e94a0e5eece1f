use bellwether_core::{Real, unpaired::Kto};

use super::{is_desirable, weight};
use crate::token_map::{Few, MapRow, planes};

impl MapRow for Kto {
    fn map<T: Real>(&self, [logp, ..]: Few<T>, [ref_logp, desirable, kl, _]: Few<T>) -> Few<T> {
        let (beta, u, z0) = (T::lift(self.beta), logp - ref_logp, kl.relu().detached());
        let gain = if is_desirable(desirable) { beta * (u - z0) } else { beta * (z0 - u) };
        let weight = weight(desirable, self.desirable_weight, self.undesirable_weight);
        planes([weight * (-gain).sigmoid(), beta * u])
    }
}
