//! The row function of `logprob/token` and its gradient.

use bellwether_core::{Real, logprob::Token};

use crate::Element;

/// What is known of one row of logits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row<T> {
    /// `log p_y`; −∞ when the label is banned.
    pub logp: T,
    /// `log Σ exp(x_j)`.
    pub lse: T,
    /// `−Σ p_j log p_j`.
    pub entropy: T,
    /// `log Σ p_j²`.
    pub log_sum_sq: T,
    /// The mean of `x_j`.
    pub mean_logit: T,
    /// 1 where the label is the first of the largest.
    pub top1: T,
    /// The largest `x_j`.
    pub max: T,
    /// `log Σ exp(x_j − max)`.
    pub log_sum: T,
    /// Tokens that are not banned.
    pub allowed: T,
    /// The maximum as a mere number, and the logarithm relative to it: what the gradient starts from.
    pub(crate) shift: T,
    pub(crate) log_norm: T,
}

/// Upstream gradients of one row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Upstream<T> {
    /// Of the log-probability.
    pub logp: T,
    /// Of the logsumexp.
    pub lse: T,
    /// Of the entropy.
    pub entropy: T,
    /// Of `log Σ p²`.
    pub log_sum_sq: T,
    /// Of the mean logit.
    pub mean_logit: T,
}

/// Whether a logit is −∞: a token that cannot be drawn.
pub(crate) fn banned<T: Real>(x: T) -> bool {
    x.value() == f64::NEG_INFINITY
}

/// The statistics of a row with at least one finite logit.
pub fn row<T: Real, E: Element<T>>(op: &Token, logits: &[E], label: usize) -> Row<T> {
    let allowed = || {
        let read = logits.iter().map(|x| x.read()).enumerate();
        read.filter(|(_, x)| !banned(*x)).map(|(j, x)| (j, op.scaled(x)))
    };
    let (first, max) = allowed()
        .reduce(|a, b| if b.1.value() > a.1.value() { b } else { a })
        .unwrap_or_else(|| (0, T::lift(f64::NEG_INFINITY)));
    // Any shift gives the same log-probabilities, so it is a number without derivative or error.
    let shift = max.frozen();
    // log(1 + the rest): a token that is nearly certain keeps the digits of its log-probability.
    let rest = |j: usize, d: T| if j == first { d.exp_m1() } else { d.exp() };
    let log_norm = T::total(allowed().map(|(j, x)| rest(j, x - shift))).ln_1p();
    let squares = T::total(allowed().map(|(j, x)| rest(j, (x - shift) + (x - shift))));
    let log_p = |x: T| (x - shift) - log_norm.shared();
    let entropy = T::total(allowed().map(|(_, x)| -log_p(x).exp().weigh(log_p(x))));
    let count = T::lift(allowed().count() as f64);
    let half_mean = T::total(allowed().map(|(_, x)| x / (count + count)));
    let logp = match logits[label].read() {
        x if banned(x) => x,
        x => (op.scaled(x) - shift) - log_norm,
    };
    Row {
        logp,
        lse: shift + log_norm,
        entropy,
        log_sum_sq: squares.ln_1p() - (log_norm + log_norm),
        // Halved and divided first: a sum may overflow where the mean does not.
        mean_logit: half_mean + half_mean,
        top1: top1(op, logits, label),
        max,
        log_sum: log_norm - (max - shift),
        allowed: count,
        shift,
        log_norm,
    }
}

/// 1 where the label's logit is the largest, the first of equal ones. Logits that differ may be equal once they are
/// scaled, in finite precision: the margin says so.
fn top1<T: Real, E: Element<T>>(op: &Token, logits: &[E], label: usize) -> T {
    let all = || logits.iter().map(|x| x.read());
    let own = logits[label].read();
    let equal_before = all().take(label).any(|x| x.value() >= own.value() && x.value() <= own.value());
    if banned(own) || equal_before {
        return T::zero();
    }
    let others = all().filter(|x| !banned(*x) && (x.value() > own.value() || x.value() < own.value()));
    let rival = others.reduce(|a, b| if b.value() > a.value() { b } else { a });
    rival.map_or_else(T::one, |x| (op.scaled(own) - op.scaled(x)).step())
}

impl<T: Real> Row<T> {
    /// What `backward` needs of a row, from the planes that `forward` wrote.
    pub(crate) fn saved(plane: impl Fn(usize) -> T) -> Self {
        use bellwether_core::sig::token_rows as at;
        let (max, log_sum) = (plane(at::MAX), plane(at::LOG_SUM));
        Self {
            logp: plane(at::LOGP),
            lse: plane(at::LSE),
            entropy: plane(at::ENTROPY),
            log_sum_sq: plane(at::LOG_SUM_SQ),
            mean_logit: plane(at::MEAN_LOGIT),
            top1: plane(at::TOP1),
            max,
            log_sum,
            allowed: plane(at::ALLOWED),
            shift: max,
            log_norm: log_sum,
        }
    }
}

/// The gradient of a row by one logit, which is the label's or not: see [`Token`].
pub fn slope<T: Real>(op: &Token, row: &Row<T>, up: &Upstream<T>, logit: T, is_label: bool) -> T {
    if banned(logit) {
        // −∞ has no slope of its own; that at 0 is the scale.
        return if is_label { up.logp.shared() * op.slope(T::zero()) } else { T::zero() };
    }
    let log_p = (op.scaled(logit) - row.shift) - row.log_norm.shared();
    let p = log_p.exp();
    // 1 − p as −(e^{log p} − 1): a confident label keeps its gradient's digits.
    let by_logp = if is_label { -log_p.exp_m1() } else { -p };
    let by_entropy = p.weigh(log_p + row.entropy.shared());
    // 2 (p²/Σp² − p), the same way.
    let by_squares = p.weigh((log_p - row.log_sum_sq.shared()).exp_m1());
    let by_x = up.logp.shared() * by_logp + up.lse.shared() * p - up.entropy.shared() * by_entropy
        + up.log_sum_sq.shared() * (by_squares + by_squares)
        + up.mean_logit.shared() / row.allowed;
    by_x * op.slope(logit)
}

#[cfg(test)]
mod tests {
    use bellwether_core::Dual;

    use super::*;

    const LOGITS: [f64; 6] = [0.3, -1.2, 2.5, f64::NEG_INFINITY, 0.3, -40.0];

    fn weighed<T: Real>(up: &Upstream<T>, r: &Row<T>) -> T {
        up.logp * r.logp
            + up.lse * r.lse
            + up.entropy * r.entropy
            + up.log_sum_sq * r.log_sum_sq
            + up.mean_logit * r.mean_logit
    }

    /// The hand-written gradient of the reference against forward-mode derivatives of its own row function.
    #[test]
    fn slope_is_the_derivative_of_row() {
        let up = Upstream { logp: 0.7, lse: -0.4, entropy: 1.3, log_sum_sq: 0.9, mean_logit: -2.0 };
        let dual = |x: f64| Dual::<f64, 1>::constant(x);
        let upstream = Upstream {
            logp: dual(up.logp),
            lse: dual(up.lse),
            entropy: dual(up.entropy),
            log_sum_sq: dual(up.log_sum_sq),
            mean_logit: dual(up.mean_logit),
        };
        for op in
            [Token::default(), Token::at(0.7), Token { softcap: 3.0, logit_scale: 1.5, temperature: 0.8 }]
        {
            let plain = row(&op, &LOGITS, 2);
            for j in (0..LOGITS.len()).filter(|&j| LOGITS[j].is_finite()) {
                let duals: [Dual<f64, 1>; 6] = core::array::from_fn(|i| {
                    if i == j { Dual::variable(LOGITS[i], 0) } else { Dual::constant(LOGITS[i]) }
                });
                let want = weighed(&upstream, &row(&op, &duals, 2)).eps[0];
                let got = slope(&op, &plain, &up, LOGITS[j], j == 2);
                assert!((got - want).abs() < 1e-14, "logit {j} of {op:?}: {got} against {want}");
            }
            let at_banned = slope(&op, &plain, &up, LOGITS[3], false);
            assert!(at_banned.abs() <= 0.0, "a banned token has no gradient");
        }
    }

    #[test]
    fn the_first_of_equal_logits_is_the_largest() {
        let flag = |label| row(&Token::default(), &[1.0, 3.0, 3.0, f64::NEG_INFINITY], label).top1;
        assert_eq!([0, 1, 2, 3].map(flag).map(f64::to_bits), [0.0, 1.0, 0.0, 0.0].map(f64::to_bits));
    }
}
