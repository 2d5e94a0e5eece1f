//! The row function of `logprob/top_k` and its gradient.

use bellwether_core::Real;
use bellwether_core::logprob::{TopEntropy, TopK};
use bellwether_core::sig::top_rows::{MOST_K, NO_TOKEN, TAIL};

use super::token::{Row, banned, row as statistics};
use crate::Element;

/// The most planes that a row has.
pub(crate) const MOST_PLANES: usize = 2 * MOST_K + TAIL.len();

/// What is known of the largest logits of one row.
#[derive(Clone, Copy, Debug)]
pub struct TopRow<T> {
    /// Columns of the largest, in order; the first `found` hold one.
    places: [usize; MOST_K],
    found: usize,
    /// Their log-probabilities.
    logp: [T; MOST_K],
    /// The sum of their probabilities.
    pub mass: T,
    /// The entropy of their probabilities.
    pub entropy: T,
    /// What is known of the whole row.
    whole: Row<T>,
}

/// Upstream gradients of one row.
#[derive(Clone, Copy, Debug)]
pub struct TopUpstream<T> {
    /// Of the mass.
    pub mass: T,
    /// Of the entropy.
    pub entropy: T,
    /// Of the logsumexp.
    pub lse: T,
    /// Of the log-probabilities, by rank.
    pub logp: [T; MOST_K],
}

/// Columns of the `k` largest logits, sorted by (value falling, column rising), and how many there are.
fn largest<T: Real, E: Element<T>>(k: usize, logits: &[E]) -> ([usize; MOST_K], usize) {
    let (mut places, mut found) = ([0; MOST_K], 0);
    for (j, x) in logits.iter().map(|x| x.read()).enumerate().filter(|(_, x)| !banned(*x)) {
        // Columns come in order: an equal one stands before.
        let at = places[..found].partition_point(|&i| logits[i].read().value() >= x.value());
        if at < k {
            found = (found + 1).min(k);
            places.copy_within(at..found - 1, at + 1);
            places[at] = j;
        }
    }
    (places, found)
}

impl<T: Real> TopRow<T> {
    /// Of a row with at least one finite logit.
    pub fn of<E: Element<T>>(op: &TopK, logits: &[E]) -> Self {
        let token = op.token();
        let (places, found) = largest::<T, E>(op.ranks(), logits);
        let whole = statistics(&token, logits, places[0]);
        let mut logp = [T::lift(f64::NEG_INFINITY); MOST_K];
        for (logp, &j) in logp.iter_mut().zip(&places[..found]) {
            *logp = (token.scaled(logits[j].read()) - whole.shift) - whole.log_norm;
        }
        let all = whole.allowed.value() <= found as f64;
        let mass = if all { T::one() } else { T::total(logp[..found].iter().map(|q| q.exp())) };
        let base = log_base(op.entropy, mass);
        let entropy = T::total(logp[..found].iter().map(|&q| -(q - base).exp().weigh(q - base)));
        Self { places, found, logp, mass, entropy, whole }
    }

    /// The planes of the row with status 0, one behind another; what follows the last is 0.
    pub(crate) fn planes(&self, op: &TopK) -> [T; MOST_PLANES] {
        let (k, row) = (op.ranks(), &self.whole);
        let mut planes = [T::zero(); MOST_PLANES];
        planes[..k].copy_from_slice(&self.logp[..k]);
        planes[k..2 * k].fill(T::lift(NO_TOKEN.into()));
        for (plane, &j) in planes[k..].iter_mut().zip(&self.places[..self.found]) {
            *plane = T::lift(j as f64);
        }
        let tail = [self.mass, self.entropy, row.lse, row.max, row.log_sum, T::zero()];
        planes[2 * k..][..TAIL.len()].copy_from_slice(&tail);
        planes
    }

    /// The gradient by the logit of column `j`.
    pub fn slope(&self, op: &TopK, up: &TopUpstream<T>, logit: T, j: usize) -> T {
        if banned(logit) {
            return T::zero();
        }
        let token = op.token();
        let q = (token.scaled(logit) - self.whole.shift) - self.whole.log_norm.shared();
        let p = q.exp();
        let rank = self.places[..self.found].iter().position(|&i| i == j);
        let member = if rank.is_some() { T::one() } else { T::zero() };
        let others = (0..self.found).filter(|&i| Some(i) != rank).map(|i| up.logp[i].shared());
        // 1 − p as −(e^{log p} − 1): a confident token keeps its gradient's digits.
        let own = rank.map_or_else(T::zero, |i| -(up.logp[i].shared() * q.exp_m1()));
        let by_logp = own - p.weigh(T::total(others));
        let by_mass = p.weigh(member - self.mass.shared());
        let by_x = by_logp
            + up.mass.shared() * by_mass
            + up.lse.shared() * p
            + up.entropy.shared() * self.entropy_slope(op, q, rank.is_some());
        by_x * token.slope(logit)
    }

    /// The derivative of the entropy by the scaled logit of log-probability `q`.
    fn entropy_slope(&self, op: &TopK, q: T, member: bool) -> T {
        let (mass, entropy) = (self.mass.shared(), self.entropy.shared());
        match (op.entropy, member) {
            (TopEntropy::Renormalised, false) => T::zero(),
            (TopEntropy::Renormalised, true) => {
                let log_share = q - mass.ln();
                -log_share.exp().weigh(log_share + entropy)
            }
            (TopEntropy::Truncated, true) => q.exp().weigh((mass - T::one()) - (entropy + q)),
            (TopEntropy::Truncated, false) => q.exp().weigh(mass - entropy),
        }
    }
}

/// What is subtracted from a log-probability before its entropy is taken.
fn log_base<T: Real>(entropy: TopEntropy, mass: T) -> T {
    match entropy {
        TopEntropy::Renormalised => mass.ln(),
        TopEntropy::Truncated => T::zero(),
    }
}

#[cfg(test)]
mod tests {
    use bellwether_core::Dual;
    use bellwether_core::logprob::Token;

    use super::*;

    const BANNED: f64 = f64::NEG_INFINITY;
    const LOGITS: [f64; 9] = [0.3, -1.2, 2.5, BANNED, 0.3, -40.0, 2.4, 0.3, 1.0];

    fn ops() -> impl Iterator<Item = TopK> {
        let tokens =
            [Token::default(), Token::at(0.7), Token { softcap: 3.0, logit_scale: 1.5, temperature: 0.8 }];
        let kinds = [TopEntropy::Renormalised, TopEntropy::Truncated];
        // 4 cuts through the three that tie; 8 is every token, 12 more than there are.
        let ks = [1, 2, 4, 8, 12];
        tokens.into_iter().flat_map(move |token| {
            kinds.into_iter().flat_map(move |kind| ks.map(move |k| TopK::of(k, kind, token)))
        })
    }

    fn upstream<T: Real>() -> TopUpstream<T> {
        let logp = core::array::from_fn(|i| T::lift([0.7, -0.4, 1.3, 0.2][i % 4]));
        TopUpstream { mass: T::lift(1.1), entropy: T::lift(-0.9), lse: T::lift(0.6), logp }
    }

    fn weighed<T: Real>(up: &TopUpstream<T>, r: &TopRow<T>) -> T {
        let logp = T::total((0..r.found).map(|i| up.logp[i] * r.logp[i]));
        up.mass * r.mass + up.entropy * r.entropy + up.lse * r.whole.lse + logp
    }

    /// The hand-written gradient of the reference against forward-mode derivatives of its own row function.
    #[test]
    fn slope_is_the_derivative_of_row() {
        for op in ops() {
            let plain = TopRow::of(&op, &LOGITS);
            for j in (0..LOGITS.len()).filter(|&j| LOGITS[j].is_finite()) {
                let duals: [Dual<f64, 1>; 9] = core::array::from_fn(|i| {
                    if i == j { Dual::variable(LOGITS[i], 0) } else { Dual::constant(LOGITS[i]) }
                });
                let want = weighed(&upstream(), &TopRow::of(&op, &duals)).eps[0];
                let got = plain.slope(&op, &upstream(), LOGITS[j], j);
                assert!((got - want).abs() < 1e-14, "logit {j} of {op:?}: {got} against {want}");
            }
            let at_banned = plain.slope(&op, &upstream(), LOGITS[3], 3);
            assert!(at_banned.abs() <= 0.0, "a banned token has no gradient");
        }
    }

    /// By sorting, once more: value falling, column rising.
    #[test]
    fn the_largest_are_those_that_sorting_finds() {
        let mut sorted: [usize; 8] = [0, 1, 2, 4, 5, 6, 7, 8];
        sorted.sort_by(|&a, &b| LOGITS[b].total_cmp(&LOGITS[a]).then(a.cmp(&b)));
        for k in 1..=12 {
            let (places, found) = largest::<f64, f64>(k, &LOGITS);
            assert_eq!(places[..found], sorted[..k.min(8)], "k = {k}");
        }
    }

    #[test]
    fn every_token_together_has_mass_1_and_the_entropy_of_the_row() {
        for op in ops().filter(|op| op.k >= 8) {
            let (top, token) = (TopRow::of(&op, &LOGITS), statistics(&op.token(), &LOGITS, 2));
            assert_eq!(top.mass.to_bits(), 1.0_f64.to_bits());
            assert!((top.entropy - token.entropy).abs() < 1e-14, "{op:?}");
        }
    }

    /// Of uniform rows, in bits: log2 10, 10/32 and what both make.
    #[test]
    fn uniform_rows_are_the_papers() {
        let of = |kind| TopRow::of(&TopK::of(10, kind, Token::default()), &[0.5; 32]);
        let bits = |x: f64| x / core::f64::consts::LN_2;
        let (whole, cut) = (of(TopEntropy::Renormalised), of(TopEntropy::Truncated));
        assert!((bits(whole.entropy) - core::f64::consts::LOG2_10).abs() < 1e-14);
        assert!((cut.mass - 0.3125).abs() < 1e-15 && (bits(cut.entropy) - 1.5625).abs() < 1e-14);
    }
}
