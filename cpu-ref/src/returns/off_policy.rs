use bellwether_core::{Real, returns::OffPolicy};

use super::error;
use crate::reverse_scan::{Constants, Inputs, Outputs, Pair, ScanRow, outputs};

impl ScanRow for OffPolicy {
    fn pair<T: Real>(&self, [_, r, q, v, c]: Inputs<T>, [d, ..]: Constants<T>, last: bool) -> Pair<T> {
        if last { (r + d * v, T::zero()) } else { (r + d * (v - c * q), d * c) }
    }

    fn finish<T: Real>(&self, [x, _]: [T; 2], [q_tm1, ..]: Inputs<T>, _: Constants<T>) -> Outputs<T> {
        outputs([error(x, q_tm1, self.stop_target_gradients), x])
    }
}
