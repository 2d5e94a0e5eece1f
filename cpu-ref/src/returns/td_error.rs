use bellwether_core::{Real, returns::TdError};

use super::error;
use crate::token_map::{Few, MapRow, planes};

impl MapRow for TdError {
    fn map<T: Real>(&self, [v_tm1, r, v, _]: Few<T>, [d, ..]: Few<T>) -> Few<T> {
        planes([error(r + d * v, v_tm1, self.stop_target_gradients)])
    }
}
