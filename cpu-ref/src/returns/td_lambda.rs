use bellwether_core::{Real, returns::TdLambda};

use super::error;
use crate::reverse_scan::{Constants, Inputs, Outputs, Pair, ScanRow, outputs};

impl ScanRow for TdLambda {
    fn pair<T: Real>(&self, [_, r, v, ..]: Inputs<T>, [d, lambda, _]: Constants<T>, last: bool) -> Pair<T> {
        if last { (r + d * v, T::zero()) } else { (r + d * ((T::one() - lambda) * v), d * lambda) }
    }

    fn finish<T: Real>(&self, [x, _]: [T; 2], [v_tm1, ..]: Inputs<T>, _: Constants<T>) -> Outputs<T> {
        outputs([error(x, v_tm1, self.stop_target_gradients), x])
    }
}
