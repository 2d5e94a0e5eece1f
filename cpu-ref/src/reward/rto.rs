use bellwether_core::{Real, reward::Rto};

use crate::reverse_scan::{Constants, Inputs, Outputs, Pair, ScanRow, outputs};

/// `x` within `±most`; 0: any.
fn clip<T: Real>(x: T, most: f64) -> T {
    match x.value() {
        value if most == 0.0 || value.abs() <= most => x,
        value => T::lift(most.copysign(value)),
    }
}

impl ScanRow for Rto {
    fn pair<T: Real>(&self, _: Inputs<T>, [.., score]: Constants<T>, last: bool) -> Pair<T> {
        (if last { clip(score, self.score_clip) } else { T::zero() }, T::zero())
    }

    fn finish<T: Real>(&self, [x, _]: [T; 2], [logp, ..]: Inputs<T>, c: Constants<T>) -> Outputs<T> {
        let [ref_logp, dpo_logp, _] = c;
        let implied = clip(T::lift(self.dpo_scale) * (dpo_logp - ref_logp), self.dpo_clip);
        let kl = logp - ref_logp;
        outputs([implied - T::lift(self.kl_coef) * kl + x, kl])
    }
}
