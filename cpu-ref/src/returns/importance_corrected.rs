use bellwether_core::{Real, returns::ImportanceCorrected};

use crate::reverse_scan::{Constants, Inputs, Outputs, Pair, ScanRow, outputs};

impl ScanRow for ImportanceCorrected {
    fn pair<T: Real>(
        &self,
        [r, v_tm1, v, rho, _]: Inputs<T>,
        [d, lambda, _]: Constants<T>,
        _: bool,
    ) -> Pair<T> {
        (rho * (r + d * v - v_tm1), rho * (d * lambda))
    }

    fn finish<T: Real>(&self, [x, _]: [T; 2], _: Inputs<T>, _: Constants<T>) -> Outputs<T> {
        outputs([x])
    }
}
