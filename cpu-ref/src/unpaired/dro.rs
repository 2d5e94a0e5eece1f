use bellwether_core::{Real, unpaired::Dro};

use crate::token_map::{Few, MapRow, planes};

impl MapRow for Dro {
    fn map<T: Real>(&self, [logp, value, ..]: Few<T>, [ref_logp, reward, ..]: Few<T>) -> Few<T> {
        planes([(value - reward + T::lift(self.beta) * (logp - ref_logp)).square()])
    }
}
