use bellwether_core::{Real, returns::Lambda};

use crate::reverse_scan::{Constants, Inputs, Outputs, Pair, ScanRow, outputs};

impl ScanRow for Lambda {
    fn pair<T: Real>(&self, [r, d, lambda, v, _]: Inputs<T>, _: Constants<T>, last: bool) -> Pair<T> {
        if last { (r + d * v, T::zero()) } else { (r + d * ((T::one() - lambda) * v), d * lambda) }
    }

    fn finish<T: Real>(&self, [x, _]: [T; 2], _: Inputs<T>, _: Constants<T>) -> Outputs<T> {
        outputs([x])
    }
}
