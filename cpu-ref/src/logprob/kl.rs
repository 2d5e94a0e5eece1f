//! The row function of `logprob/kl` and its gradients.

use bellwether_core::Real;
use bellwether_core::logprob::Kl;
use bellwether_core::sig::logit_pairs::{By, PLANES, UPSTREAM};

use super::pair::{Pair, PairRow, Seen, difference, none};
use crate::Element;

/// `KL(q‖p)` and `KL(p‖q)` of two rows.
fn both<T: Real, E: Element<T>>(pair: &Pair<T>, x: &[E], r: &[E]) -> [T; 2] {
    let infinity = || T::lift(f64::INFINITY);
    let ratio = |t: &Seen<T>| t.both.map_or_else(T::zero, |(_, u)| u);
    let forward = || T::total(pair.tokens(x, r).map(|t| t.q.weigh(-ratio(&t))));
    let reverse = || T::total(pair.tokens(x, r).map(|t| t.p.weigh(ratio(&t))));
    [
        if pair.only_reference { infinity() } else { forward() },
        if pair.only_policy { infinity() } else { reverse() },
    ]
}

/// `w (u − mean)`: the gradient of a divergence `E_w[u]` by the logits of its first argument.
fn centred<T: Real>(w: T, u: Option<T>, mean: T) -> T {
    u.map_or_else(T::zero, |u| w.weigh(u - mean.shared()))
}

impl PairRow for Kl {
    fn planes<T: Real, E: Element<T>>(&self, x: &[E], r: &[E], label: usize) -> [T; PLANES] {
        let pair = Pair::new(self, x, r, label);
        let [forward, reverse] = both(&pair, x, r);
        pair.planes([forward, reverse, pair.policy.entropy], pair.only_policy || pair.only_reference)
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
        let [forward, reverse] = both(&pair, x, r);
        let &[d_logp, d_forward, d_reverse, d_entropy] = up;
        // An infinite divergence has a gradient by the logits of its second argument alone.
        let lost = match by {
            By::Policy => pair.only_policy && d_reverse.value() != 0.0,
            By::Reference => pair.only_reference && d_forward.value() != 0.0,
        };
        for (j, slot) in out.iter_mut().enumerate() {
            let (x, r) = (x[j].read(), r[j].read());
            let t = pair.see(x, r);
            let u = t.both.map(|(_, u)| u);
            let (f, b) = (d_forward.shared(), d_reverse.shared());
            *slot = E::write(match by {
                _ if lost => none(),
                By::Policy => {
                    let divergences = f * difference(&t) + b.weigh(centred(t.p, u, reverse));
                    divergences * pair.slope(x) + pair.token_slope(d_logp, d_entropy, x, j)
                }
                By::Reference => {
                    let own = f.weigh(centred(t.q, u.map(|u| -u), forward));
                    (own - b * difference(&t)) * pair.slope(r)
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use bellwether_core::logprob::Kl;

    use super::super::pair::check::{TOKENS, gradients_are_derivatives};

    #[test]
    fn gradients_are_the_derivatives_of_the_row() {
        let weights = |planes: &[_; 10], up: &[f64; 4]| {
            let of: [(usize, f64); 4] = [(0, up[0]), (6, up[1]), (7, up[2]), (8, up[3])];
            of.map(|(plane, up): (usize, f64)| (planes[plane], up))
        };
        for token in TOKENS {
            gradients_are_derivatives(&Kl::of(token), [0.7, -0.4, 1.3, 0.3], weights);
        }
    }
}
