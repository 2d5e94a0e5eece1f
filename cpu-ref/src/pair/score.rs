use core::f64::consts::LN_2;

use bellwether_core::Real;
use bellwether_core::pair::Score;

/// The score of a log-ratio `u`.
pub fn score<T: Real>(map: Score, u: T) -> T {
    match map {
        Score::ReverseKl => u,
        Score::ForwardKl => -(-u).exp_m1(),
        Score::JsDivergence => T::lift(LN_2) + u.log_sigmoid(),
        Score::AlphaDivergence { coef, .. } if coef - 1.0 == 0.0 => u,
        Score::AlphaDivergence { coef, cap } => {
            let exponent = T::lift(coef - 1.0) * u;
            let capped = if exponent.value() > cap { T::lift(cap) } else { exponent };
            capped.exp_m1() / T::lift(coef - 1.0)
        }
        Score::ClippedRatio { epsilon } => {
            let (low, high) = ((-epsilon).ln_1p(), epsilon.ln_1p());
            if u.value() < low {
                T::lift(low)
            } else if u.value() > high {
                T::lift(high)
            } else {
                u
            }
        }
    }
}
