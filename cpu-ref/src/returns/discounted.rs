use bellwether_core::{Real, returns::Discounted};

use crate::reverse_scan::{Constants, Inputs, Outputs, Pair, ScanRow, outputs};

impl ScanRow for Discounted {
    fn pair<T: Real>(&self, [r, d, v, ..]: Inputs<T>, _: Constants<T>, last: bool) -> Pair<T> {
        if last { (r + d * v, T::zero()) } else { (r, d) }
    }

    fn finish<T: Real>(&self, [x, _]: [T; 2], _: Inputs<T>, _: Constants<T>) -> Outputs<T> {
        outputs([x])
    }
}
