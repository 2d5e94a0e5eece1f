use bellwether_core::{Real, returns::Gae};

use crate::reverse_scan::{Constants, Inputs, Outputs, Pair, ScanRow, outputs};

impl ScanRow for Gae {
    fn pair<T: Real>(&self, [r, d, lambda, v_tm1, v]: Inputs<T>, _: Constants<T>, _: bool) -> Pair<T> {
        (r + d * v - v_tm1, d * lambda)
    }

    fn finish<T: Real>(&self, [x, _]: [T; 2], [.., v_tm1, _]: Inputs<T>, _: Constants<T>) -> Outputs<T> {
        outputs([x, x + v_tm1])
    }
}
