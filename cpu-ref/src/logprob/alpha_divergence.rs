//! The row function of `logprob/alpha_divergence` and its gradients.

use bellwether_core::Real;
use bellwether_core::logprob::AlphaDivergence;
use bellwether_core::sig::logit_pairs::By;

use super::divergence::Divergence;
use super::pair::Seen;

/// Below this a power series holds more digits than a difference of powers.
const NEAR: f64 = 1.0;

/// `p^α q^(1−α)`, formed from logarithms; 0 where one of the two is.
fn power<T: Real>(alpha: f64, t: &Seen<T>) -> T {
    t.both.map_or_else(T::zero, |(log_q, u)| (log_q + T::lift(alpha) * u).exp())
}

/// `w ((p/q)^k − 1)`, where `w (p/q)^k` is the power given.
fn excess<T: Real>(w: T, k: f64, t: &Seen<T>, power: T) -> T {
    match t.both {
        Some((_, u)) if (k * u.value()).abs() < NEAR => w * (T::lift(k) * u).exp_m1(),
        _ => power - w,
    }
}

impl Divergence for AlphaDivergence {
    fn terms<T: Real>(&self, t: &Seen<T>) -> [T; 2] {
        let (alpha, a, rest) = (self.alpha, T::lift(self.alpha), T::lift(1.0 - self.alpha));
        let sum = match t.both {
            Some((_, u)) if u.value().abs() < NEAR && (alpha * u.value()).abs() < NEAR => {
                t.q * ((a * u).expm1m() - a * u.expm1m())
            }
            _ => (power(alpha, t) - a * t.p) - rest * t.q,
        };
        [sum / (a * T::lift(alpha - 1.0)), T::zero()]
    }

    fn finish<T: Real>(&self, [divergence, _]: [T; 2]) -> [T; 3] {
        [divergence, T::lift(self.alpha) * divergence, T::lift(1.0 - self.alpha) * divergence]
    }

    fn slope<T: Real>(&self, t: &Seen<T>, mean: T) -> T {
        excess(t.p, self.alpha - 1.0, t, power(self.alpha, t)) / T::lift(self.alpha - 1.0) - t.p.weigh(mean)
    }

    fn ref_slope<T: Real>(&self, t: &Seen<T>, mean: T) -> T {
        -(excess(t.q, self.alpha, t, power(self.alpha, t)) / T::lift(self.alpha)) - t.q.weigh(mean)
    }

    fn infinite(&self, only_policy: bool, only_reference: bool) -> bool {
        (self.alpha > 1.0 && only_policy) || (self.alpha < 0.0 && only_reference)
    }

    fn has_gradient(&self, _: By) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use bellwether_core::logprob::AlphaDivergence;

    use super::super::pair::check::{TOKENS, divergence_of, gradients_are_derivatives};

    #[test]
    fn gradients_are_the_derivatives_of_the_row() {
        for (i, alpha) in [0.5, 0.1, 2.0, -0.5, 3.5].into_iter().enumerate() {
            let op = AlphaDivergence::of(alpha, TOKENS[i % TOKENS.len()]);
            gradients_are_derivatives(&op, [0.7, -0.4, 0.0, 0.0], divergence_of);
        }
    }
}
