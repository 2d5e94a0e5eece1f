//! Divergences that are a sum of non-negative terms over the tokens of two normalised rows.

use bellwether_core::Real;
use bellwether_core::sig::logit_pairs::{By, LogitPairOp, PLANES, UPSTREAM};

use super::pair::{Pair, PairRow, Seen, none};
use crate::Element;

/// A divergence, token by token.
///
/// Its gradient by the policy's logits is `p (w − E_p[w])` and that by the reference's `q (w′ − E_q[w′])`, for some
/// slopes `w` and `w′` of each token.
pub trait Divergence: LogitPairOp {
    /// Two terms of a token, neither of which is negative.
    fn terms<T: Real>(&self, token: &Seen<T>) -> [T; 2];
    /// The divergence, `E_p[w]` and `E_q[w′]`, from the sums of both terms.
    fn finish<T: Real>(&self, sums: [T; 2]) -> [T; 3];
    /// `p (w − mean)` of a token.
    fn slope<T: Real>(&self, token: &Seen<T>, mean: T) -> T;
    /// `q (w′ − mean)` of a token.
    fn ref_slope<T: Real>(&self, token: &Seen<T>, mean: T) -> T;
    /// Whether the divergence is infinite where the policy alone, or the reference alone, allows a token.
    fn infinite(&self, only_policy: bool, only_reference: bool) -> bool;
    /// Whether its gradient exists all the same.
    fn has_gradient(&self, by: By) -> bool;
}

/// `w (e^l − 1 − l)` for `l = log(m/w)`, given `m − w`: a token's share of `KL(w‖m)`, never negative.
pub(super) fn share<T: Real>(w: T, l: T, rise: T) -> T {
    if l.value() < 1.0 { w * l.expm1m() } else { rise - w.weigh(l) }
}

fn own<D: Divergence, T: Real, E: Element<T>>(op: &D, pair: &Pair<T>, x: &[E], r: &[E]) -> [T; 3] {
    if op.infinite(pair.only_policy, pair.only_reference) {
        let infinite = T::lift(f64::INFINITY);
        return op.finish([T::zero(); 2]).map(|_| infinite);
    }
    op.finish([0, 1].map(|i| T::total(pair.tokens(x, r).map(|t| op.terms(&t)[i]))))
}

impl<D: Divergence> PairRow for D {
    fn planes<T: Real, E: Element<T>>(&self, x: &[E], r: &[E], label: usize) -> [T; PLANES] {
        let pair = Pair::new(self, x, r, label);
        let infinite = self.infinite(pair.only_policy, pair.only_reference);
        pair.planes(own(self, &pair, x, r), infinite)
    }

    fn gradient<T: Real, E: Element<T>>(
        &self,
        (x, r): (&[E], &[E]),
        label: usize,
        up: &[T; UPSTREAM],
        by: By,
        out: &mut [E],
    ) {
        let pair = Pair::new(self, x, r, label);
        let [_, mean, ref_mean] = own(self, &pair, x, r);
        let &[d_logp, d_divergence, ..] = up;
        let infinite = self.infinite(pair.only_policy, pair.only_reference);
        let lost = infinite && !self.has_gradient(by) && d_divergence.value() != 0.0;
        for (j, slot) in out.iter_mut().enumerate() {
            let (x, r) = (x[j].read(), r[j].read());
            let t = pair.see(x, r);
            let weighed = |slope: T, logit: T| d_divergence.shared().weigh(slope) * pair.slope(logit);
            *slot = E::write(match by {
                _ if lost => none(),
                By::Policy => {
                    weighed(self.slope(&t, mean.shared()), x) + pair.token_slope(d_logp, T::zero(), x, j)
                }
                By::Reference => weighed(self.ref_slope(&t, ref_mean.shared()), r),
            });
        }
    }
}
