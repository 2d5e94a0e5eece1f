//! The row function of `logprob/js` and its gradients.

use bellwether_core::Real;
use bellwether_core::logprob::Js;
use bellwether_core::sig::logit_pairs::By;

use super::divergence::{Divergence, share};
use super::pair::{Seen, difference};

/// `log(m/p) = log(1 + b (e^−u − 1))` for `m = b q + (1 − b) p` and `u = log(p/q)`; without an overflow where `u` is far
/// below 0: `log(m/q) − u`.
fn mixture<T: Real>(u: T, b: f64) -> T {
    if u.value() > -1.0 {
        (T::lift(b) * (-u).exp_m1()).ln_1p()
    } else {
        (T::lift(1.0 - b) * u.exp_m1()).ln_1p() - u
    }
}

/// Whether the mixture is the reference alone: `beta` 1.
fn reference_alone(beta: f64) -> bool {
    1.0 - beta == 0.0
}

/// `log(m/p)`; where the policy bans the token it multiplies 0.
fn over_p<T: Real>(t: &Seen<T>, beta: f64) -> T {
    match t.both {
        Some((_, u)) => mixture(u, beta),
        None => (-T::lift(beta)).ln_1p(),
    }
}

/// `log(m/q)`.
fn over_q<T: Real>(t: &Seen<T>, beta: f64) -> T {
    match t.both {
        Some((_, u)) => mixture(-u, 1.0 - beta),
        None => (-T::lift(1.0 - beta)).ln_1p(),
    }
}

/// `w` times the logarithm of the other probability over it; 0 where one of the two is.
fn towards<T: Real>(w: T, t: &Seen<T>, sign: f64) -> T {
    t.both.map_or_else(T::zero, |(_, u)| w.weigh(if sign < 0.0 { -u } else { u }))
}

/// A token's share of `KL(q‖p)` (`sign` 1) or of `KL(p‖q)`.
fn kl_share<T: Real>(t: &Seen<T>, sign: f64) -> T {
    let (w, m) = if sign > 0.0 { (t.q, t.p) } else { (t.p, t.q) };
    match t.both {
        Some((_, u)) => share(w, if sign > 0.0 { u } else { -u }, m - w),
        // Banned where the other allows it: the divergence is infinite unless w is the one that is 0.
        None => m,
    }
}

impl Divergence for Js {
    fn terms<T: Real>(&self, t: &Seen<T>) -> [T; 2] {
        let beta = self.beta;
        if beta == 0.0 {
            return [T::zero(), kl_share(t, 1.0)];
        }
        if reference_alone(beta) {
            return [kl_share(t, -1.0), T::zero()];
        }
        let (b, rest) = (T::lift(beta), T::lift(1.0 - beta));
        let policy = match (t.both.is_none(), t.p.value() == 0.0) {
            (true, true) => b * t.q,
            _ => share(t.p, over_p(t, beta), b * (t.q - t.p)),
        };
        let reference = match (t.both.is_none(), t.q.value() == 0.0) {
            (true, true) => rest * t.p,
            _ => share(t.q, over_q(t, beta), rest * (t.p - t.q)),
        };
        [rest * policy, b * reference]
    }

    fn finish<T: Real>(&self, [policy, reference]: [T; 2]) -> [T; 3] {
        [policy + reference, policy, reference]
    }

    fn slope<T: Real>(&self, t: &Seen<T>, mean: T) -> T {
        if self.beta == 0.0 {
            return difference(t);
        }
        if reference_alone(self.beta) {
            return towards(t.p, t, 1.0) - t.p.weigh(mean);
        }
        let w = T::lift(1.0 - self.beta) * over_p(t, self.beta);
        -t.p.weigh(w + mean)
    }

    fn ref_slope<T: Real>(&self, t: &Seen<T>, mean: T) -> T {
        if self.beta == 0.0 {
            return towards(t.q, t, -1.0) - t.q.weigh(mean);
        }
        if reference_alone(self.beta) {
            return -difference(t);
        }
        let w = T::lift(self.beta) * over_q(t, self.beta);
        -t.q.weigh(w + mean)
    }

    fn infinite(&self, only_policy: bool, only_reference: bool) -> bool {
        (self.beta == 0.0 && only_reference) || (reference_alone(self.beta) && only_policy)
    }

    fn has_gradient(&self, by: By) -> bool {
        match by {
            By::Policy => self.beta == 0.0,
            By::Reference => reference_alone(self.beta),
        }
    }
}

#[cfg(test)]
mod tests {
    use bellwether_core::logprob::Js;

    use super::super::pair::check::{TOKENS, divergence_of, gradients_are_derivatives};

    #[test]
    fn gradients_are_the_derivatives_of_the_row() {
        for (i, beta) in [0.5, 0.1, 0.9, 0.0, 1.0].into_iter().enumerate() {
            let op = Js::of(beta, TOKENS[i % TOKENS.len()]);
            gradients_are_derivatives(&op, [0.7, -0.4, 0.0, 0.0], divergence_of);
        }
    }
}
