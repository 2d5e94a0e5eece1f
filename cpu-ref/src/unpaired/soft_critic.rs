use bellwether_core::{Real, unpaired::SoftCritic};

use crate::token_map::{Few, MapRow, planes};

impl MapRow for SoftCritic {
    fn map<T: Real>(&self, [logit, ..]: Few<T>, [target, ..]: Few<T>) -> Few<T> {
        planes([(T::one() - target) * logit.softplus() + target * (-logit).softplus()])
    }
}
