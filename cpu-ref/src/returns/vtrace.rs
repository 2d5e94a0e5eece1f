use bellwether_core::{Real, returns::Vtrace};

use crate::reverse_scan::{Constants, Inputs, Outputs, Pair, ScanRow, outputs};

/// The ratio with `alpha` of it clipped.
fn clipped<T: Real>(alpha: f64, most: f64, rho: T) -> T {
    let (alpha, least) = (T::lift(alpha), if rho.value() < most { rho } else { T::lift(most) });
    alpha * least + (T::one() - alpha) * rho
}

impl ScanRow for Vtrace {
    fn pair<T: Real>(
        &self,
        [v_tm1, v, r, ..]: Inputs<T>,
        [d, rho, lambda]: Constants<T>,
        _: bool,
    ) -> Pair<T> {
        let delta = r + d * v - v_tm1;
        (clipped(self.alpha, self.clip_rho, rho) * delta, d * (lambda * clipped(self.alpha, 1.0, rho)))
    }

    fn finish<T: Real>(
        &self,
        [x, next]: [T; 2],
        [v_tm1, v, r, ..]: Inputs<T>,
        [d, rho, lambda]: Constants<T>,
    ) -> Outputs<T> {
        let q = r + d * (v + lambda * next);
        // The target is v_tm1 + x: where it is a constant, the error moves with v_tm1 alone.
        let error = x.detached() - (v_tm1 - v_tm1.detached());
        let error = if self.stop_target_gradients { error } else { x };
        outputs([error, q, clipped(self.alpha, self.clip_pg_rho, rho) * (q - v_tm1)])
    }
}
