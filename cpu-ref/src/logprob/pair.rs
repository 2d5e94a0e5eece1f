//! What every row function of LogitPairs starts from: two normalised rows, and a token's place in both.

use bellwether_core::logprob::Token as TokenOp;
use bellwether_core::sig::logit_pairs::{By, LogitPairOp, PLANES, UPSTREAM};
use bellwether_core::{Real, status};

use super::token::{self, banned};
use crate::Element;

/// A policy's and a reference's row, each with its normaliser.
pub struct Pair<T> {
    pub(crate) policy: token::Row<T>,
    pub(crate) reference: token::Row<T>,
    /// What scales and caps both rows.
    pub(crate) token: TokenOp,
    /// The label.
    label: usize,
    /// Whether a token is banned by the reference alone, by the policy alone.
    pub(crate) only_policy: bool,
    pub(crate) only_reference: bool,
    /// Whether either row bans the label.
    label_banned: bool,
}

/// A token under both rows; banned ones have probability 0.
pub struct Seen<T> {
    /// `p`.
    pub p: T,
    /// `q`.
    pub q: T,
    /// Where both allow it, `log q` and `log p − log q`.
    pub both: Option<(T, T)>,
}

impl<T: Real> Pair<T> {
    /// Normalises both rows, each of which allows a token.
    pub(crate) fn new<O: LogitPairOp, E: Element<T>>(op: &O, x: &[E], r: &[E], label: usize) -> Self {
        let token = op.token();
        let only = |a: &[E], b: &[E]| a.iter().zip(b).any(|(a, b)| !banned(a.read()) && banned(b.read()));
        Self {
            policy: token::row(&token, x, label),
            reference: token::row(&token, r, label),
            token,
            label,
            only_policy: only(x, r),
            only_reference: only(r, x),
            label_banned: banned(x[label].read()) || banned(r[label].read()),
        }
    }

    /// What the two logits of a token say.
    pub(crate) fn see(&self, x: T, r: T) -> Seen<T> {
        // Each relative to its row's maximum: the difference of the two keeps the digits of nearly equal rows.
        let relative = |x: T, row: &token::Row<T>| (!banned(x)).then(|| self.token.scaled(x) - row.shift);
        let (d, e) = (relative(x, &self.policy), relative(r, &self.reference));
        let (norm, ref_norm) = (self.policy.log_norm.shared(), self.reference.log_norm.shared());
        let of = |d: Option<T>, norm: T| d.map_or_else(T::zero, |d| (d - norm).exp());
        let both = d.zip(e).map(|(d, e)| (e - ref_norm, (d - e) - (norm - ref_norm).shared()));
        Seen { p: of(d, norm), q: of(e, ref_norm), both }
    }

    /// Every token of both rows.
    pub(crate) fn tokens<'a, E: Element<T>>(
        &'a self,
        x: &'a [E],
        r: &'a [E],
    ) -> impl Iterator<Item = Seen<T>> + 'a {
        x.iter().zip(r).map(|(x, r)| self.see(x.read(), r.read()))
    }

    /// The planes, around the three of the operator's own; `infinite`: of which one is, by definition.
    pub(crate) fn planes(&self, own: [T; 3], infinite: bool) -> [T; PLANES] {
        let status =
            u32::from(self.label_banned) * status::IMPOSSIBLE_LABEL + u32::from(infinite) * status::DISJOINT;
        let (p, q) = (&self.policy, &self.reference);
        let [a, b, c] = own;
        [p.logp, q.logp, p.max, p.log_sum, q.max, q.log_sum, a, b, c, T::lift(status.into())]
    }

    /// The slope of a row's number by its logit; −∞ has none of its own, so that at 0 is taken.
    pub(crate) fn slope(&self, logit: T) -> T {
        self.token.slope(if banned(logit) { T::zero() } else { logit })
    }

    /// The gradient of log-probability and entropy by the policy's logit `j`.
    pub(crate) fn token_slope(&self, logp: T, entropy: T, x: T, j: usize) -> T {
        let zero = T::zero();
        let up = token::Upstream { logp, lse: zero, entropy, log_sum_sq: zero, mean_logit: zero };
        token::slope(&self.token, &self.policy, &up, x, j == self.label)
    }
}

/// A row function of LogitPairs and its gradient.
pub trait PairRow: LogitPairOp {
    /// The planes of one row.
    fn planes<T: Real, E: Element<T>>(&self, x: &[E], r: &[E], label: usize) -> [T; PLANES];
    /// The gradient of one row.
    fn gradient<T: Real, E: Element<T>>(
        &self,
        rows: (&[E], &[E]),
        label: usize,
        up: &[T; UPSTREAM],
        by: By,
        out: &mut [E],
    );
}

/// What does not exist: the gradient of an infinite divergence.
pub(crate) fn none<T: Real>() -> T {
    T::lift(f64::NAN)
}

/// `p − q` of one token, with its digits where the two are nearly equal.
pub(crate) fn difference<T: Real>(t: &Seen<T>) -> T {
    match t.both {
        Some((_, u)) if u.value() < 1.0 => t.q * u.exp_m1(),
        _ => t.p - t.q,
    }
}

#[cfg(test)]
pub(crate) mod check {
    use bellwether_core::Dual;

    use super::*;

    const X: [f64; 7] = [0.3, -1.2, 2.5, f64::NEG_INFINITY, 0.3, -30.0, 1.1];
    const R: [f64; 7] = [1.3, -1.1, 2.2, f64::NEG_INFINITY, -9.0, 0.5, 1.1];
    const LABEL: usize = 2;

    /// Ways to scale and cap.
    pub(crate) const TOKENS: [TokenOp; 3] = [
        TokenOp { temperature: 1.0, logit_scale: 1.0, softcap: 0.0 },
        TokenOp { temperature: 0.7, logit_scale: 1.5, softcap: 2.0 },
        TokenOp { temperature: 1.3, logit_scale: 0.5, softcap: 0.0 },
    ];

    /// Log-probability and divergence, each with its upstream gradient.
    pub(crate) fn divergence_of<T: Copy>(planes: &[T; PLANES], up: &[f64; UPSTREAM]) -> [(T, f64); UPSTREAM] {
        [(planes[0], up[0]), (planes[6], up[1]), (planes[6], 0.0), (planes[6], 0.0)]
    }

    /// The hand-written gradients against forward-mode derivatives of the row function.
    pub(crate) fn gradients_are_derivatives<O: PairRow>(
        op: &O,
        up: [f64; UPSTREAM],
        weighed: impl Fn(&[Dual<f64, 1>; PLANES], &[f64; UPSTREAM]) -> [(Dual<f64, 1>, f64); UPSTREAM],
    ) {
        for by in [By::Policy, By::Reference] {
            let mut got = [0.0; X.len()];
            op.gradient((&X, &R), LABEL, &up, by, &mut got);
            for j in 0..X.len() {
                let seed = |row: &[f64; X.len()], mine: bool| -> [Dual<f64, 1>; X.len()] {
                    core::array::from_fn(|i| {
                        if mine && i == j { Dual::variable(row[i], 0) } else { Dual::constant(row[i]) }
                    })
                };
                let planes = op.planes(&seed(&X, by == By::Policy), &seed(&R, by == By::Reference), LABEL);
                let want = weighed(&planes, &up).iter().map(|(plane, up)| up * plane.eps[0]).sum::<f64>();
                let want = if X[j].is_finite() { want } else { 0.0 };
                assert!(
                    (got[j] - want).abs() < 1e-12 * want.abs().max(1.0),
                    "{op:?} {by:?} {j}: {} {want}",
                    got[j]
                );
            }
        }
    }
}
