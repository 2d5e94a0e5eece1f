use bellwether_core::Real;
use bellwether_core::pair::OddsRatio;

use super::{PairLink, Scores};

impl PairLink for OddsRatio {
    fn loss<T: Real>(&self, s: &Scores<T>) -> T {
        // Beside a chosen response of probability 1 the loss is linear, to more digits than f64 holds.
        if -s.w.value() < 1e-17 * (-s.l.value()).min(1.0) {
            return s.beta * (s.w * (s.l.exp() / s.l.exp_m1()));
        }
        // −log σ(o(w) − o(l)), the two terms of each log-odds ordered so that none is infinite.
        let (odds_w, odds_l) = (s.w + s.l.log1mexp(), s.l + s.w.log1mexp());
        s.beta * (odds_l - odds_w).softplus()
    }
}
