//! The row function of `logprob/token` and its gradient.

use bellwether_core::{Real, logprob::Token};

/// What is known of one row of logits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row<T> {
    /// `log p_y`; −∞ when the label is banned.
    pub logp: T,
    /// `log Σ exp(x_j)`.
    pub lse: T,
    /// `−Σ p_j log p_j`.
    pub entropy: T,
    /// The largest `x_j`.
    pub max: T,
    /// `log Σ exp(x_j − max)`.
    pub log_sum: T,
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
}

/// Whether a logit is −∞: a token that cannot be drawn.
pub(crate) fn banned<T: Real>(x: T) -> bool {
    x.value() == f64::NEG_INFINITY
}

/// Log-probability of `label`, logsumexp and entropy of a row with at least one finite logit.
pub fn row<T: Real>(op: &Token, logits: &[T], label: usize) -> Row<T> {
    let temperature = T::lift(op.temperature);
    let allowed =
        || logits.iter().enumerate().filter(|(_, x)| !banned(**x)).map(|(j, &x)| (j, x / temperature));
    let (first, max) = allowed()
        .reduce(|a, b| if b.1.value() > a.1.value() { b } else { a })
        .unwrap_or_else(|| (0, T::lift(f64::NEG_INFINITY)));
    // Any shift gives the same log-probabilities, so it is a number without derivative or error.
    let shift = max.frozen();
    // log(1 + the rest): a token that is nearly certain keeps the digits of its log-probability.
    let rest = |(j, x): (usize, T)| if j == first { (x - shift).exp_m1() } else { (x - shift).exp() };
    let log_norm = T::total(allowed().map(rest)).ln_1p();
    let log_p = |x: T| (x - shift) - log_norm.shared();
    let entropy = T::total(allowed().map(|(_, x)| -log_p(x).exp().weigh(log_p(x))));
    let logp =
        if banned(logits[label]) { logits[label] } else { (logits[label] / temperature - shift) - log_norm };
    let log_sum = log_norm - (max - shift);
    Row { logp, lse: shift + log_norm, entropy, max, log_sum, shift, log_norm }
}

/// The gradient of a row by its logit `x`, which is the label's or not.
///
/// `[ d_logp·(1{j=y} − p) + d_lse·p − d_entropy·p·(log p + entropy) ] / temperature`.
pub fn slope<T: Real>(op: &Token, row: &Row<T>, up: &Upstream<T>, x: T, is_label: bool) -> T {
    let temperature = T::lift(op.temperature);
    if banned(x) {
        return if is_label { up.logp.shared() / temperature } else { T::zero() };
    }
    let log_p = (x / temperature - row.shift) - row.log_norm.shared();
    let p = log_p.exp();
    // 1 − p as −(e^{log p} − 1): a confident label keeps its gradient's digits.
    let by_logp = if is_label { -log_p.exp_m1() } else { -p };
    let by_entropy = p.weigh(log_p + row.entropy.shared());
    (up.logp.shared() * by_logp + up.lse.shared() * p - up.entropy.shared() * by_entropy) / temperature
}

#[cfg(test)]
mod tests {
    use bellwether_core::Dual;

    use super::*;

    /// The hand-written gradient of the reference against forward-mode derivatives of its own row function.
    #[test]
    fn slope_is_the_derivative_of_row() {
        let logits = [0.3, -1.2, 2.5, f64::NEG_INFINITY, 0.3, -40.0];
        let up = Upstream { logp: 0.7, lse: -0.4, entropy: 1.3 };
        for temperature in [1.0, 0.7] {
            let op = Token { temperature };
            let plain = row(&op, &logits, 2);
            for j in 0..logits.len() {
                let duals: [Dual<f64, 1>; 6] = core::array::from_fn(|i| {
                    if i == j { Dual::variable(logits[i], 0) } else { Dual::constant(logits[i]) }
                });
                let r = row(&op, &duals, 2);
                let want = match logits[j].is_finite() {
                    true => up.logp * r.logp.eps[0] + up.lse * r.lse.eps[0] + up.entropy * r.entropy.eps[0],
                    false => 0.0,
                };
                let got = slope(&op, &plain, &up, logits[j], j == 2);
                assert!(
                    (got - want).abs() < 1e-14,
                    "logit {j}, temperature {temperature}: {got} against {want}"
                );
            }
        }
    }
}
