//! Driver of the signature PolicyRows.

use bellwether_core::op::require;
pub use bellwether_core::policy::Surrogate;
use bellwether_core::policy::{Level, PolicyLoss};
use bellwether_core::sig::Reduction;
use bellwether_core::sig::policy_rows::{MOST_METRICS, MOST_TOKENS, PLANES};
use bellwether_core::{Dual, Error, Real, status};

use crate::rows::{Scalar, exactly, fill_planes, fill_rows, finite, product};
use crate::token_map::View;

/// What a surrogate makes of a token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Term<T> {
    /// The policy part of the loss.
    pub loss: T,
    /// The metrics, zeros behind those that there are.
    pub metrics: [T; MOST_METRICS],
}

impl<T: Real> Term<T> {
    /// A loss without metrics.
    pub fn new(loss: T) -> Self {
        Self { loss, metrics: [T::zero(); MOST_METRICS] }
    }
}

/// A surrogate, written from its paper.
pub trait SurrogateRow: Surrogate {
    /// What of a token's log-ratio counts, before any sum over tokens.
    fn bounded<T: Real>(&self, log_ratio: T, _advantage: T) -> T {
        log_ratio
    }

    /// A token: the log-ratio at the loss's level, its own log-probability, its advantage.
    fn surrogate<T: Real>(&self, log_ratio: T, logp: T, advantage: T) -> Term<T>;
}

/// The arrays of sequences.
#[derive(Clone, Copy, Debug)]
pub struct PolicyInputs<'a, T> {
    /// How many sequences.
    pub rows: usize,
    /// Tokens of a sequence, padding counted.
    pub len: usize,
    /// Log-probabilities under the policy.
    pub logp: View<'a, T>,
    /// Those under the policy that sampled; `None`: the same, without gradient.
    pub old_logp: Option<View<'a, T>>,
    /// Those under the reference; `None`: there is none.
    pub ref_logp: Option<View<'a, T>>,
    /// Advantages: per token, or per sequence with a distance of columns of 0.
    pub advantage: View<'a, T>,
    /// What multiplies a token's policy part; `None`: 1.
    pub weight: Option<View<'a, T>>,
    /// Which tokens count: those whose word is not 0. `None`: all.
    pub mask: Option<View<'a, u32>>,
    /// The upstream gradient of each sequence's loss; `None`: 1.
    pub upstream: Option<&'a [T]>,
}

/// Sums over the tokens of a row.
struct Row<T> {
    /// How many count.
    n: usize,
    /// The log-ratio that all tokens see; without meaning where each sees its own.
    log_ratio: T,
}

/// A token's loss and its derivatives by the log-ratio at the loss's level and by the log-probability itself.
type Sloped<T> = Dual<T, 2>;

impl<'a, T: Scalar> PolicyInputs<'a, T> {
    /// All tokens count; neither sampling policy nor reference nor weights.
    #[must_use]
    pub const fn new((rows, len): (usize, usize), logp: View<'a, T>, advantage: View<'a, T>) -> Self {
        let (old_logp, ref_logp, weight) = (None, None, None);
        Self { rows, len, logp, old_logp, ref_logp, advantage, weight, mask: None, upstream: None }
    }

    fn counts(&self, at: (usize, usize)) -> bool {
        self.mask.is_none_or(|mask| mask.at(at) != 0)
    }

    /// The places of a row that count.
    fn counted(&self, row: usize) -> impl Iterator<Item = (usize, usize)> {
        (0..self.len).map(move |col| (row, col)).filter(|&at| self.counts(at))
    }

    /// Every array of numbers per token, with its name.
    fn named(&self) -> impl Iterator<Item = (&'static str, View<'a, T>)> {
        let (logp, advantage) = (("logp", Some(self.logp)), ("advantage", Some(self.advantage)));
        let optional = [("old_logp", self.old_logp), ("ref_logp", self.ref_logp), ("weight", self.weight)];
        [logp, advantage].into_iter().chain(optional).filter_map(|(name, view)| Some((name, view?)))
    }

    /// Shapes, those of the results too, then the tokens that count.
    fn check(&self, op: &'static str, planes: usize, result: &[T], gradient: &[T]) -> Result<(), Error> {
        let shape = (self.rows, self.len);
        require(self.len <= MOST_TOKENS, op, "len", self.len as f64, "0..=1048576")?;
        // First: with distances of 0 the inputs hold any number of rows, and all of them are looked at below.
        exactly(op, "result", result, product(op, "result", planes, self.rows)?)?;
        exactly(op, "d_logp", gradient, product(op, "d_logp", self.rows, self.len)?)?;
        self.named().try_for_each(|(name, view)| view.holds(op, name, shape))?;
        self.mask.iter().try_for_each(|mask| mask.holds(op, "mask", shape))?;
        if let Some(upstream) = self.upstream {
            exactly(op, "upstream", upstream, self.rows)?;
            (0..self.rows).try_for_each(|row| finite(op, "upstream", (row, 0), upstream[row].value()))?;
        }
        self.named().try_for_each(|(name, view)| {
            let mut places = (0..self.rows).flat_map(|row| self.counted(row));
            places.try_for_each(|at| finite(op, name, at, view.at(at).value()))
        })
    }

    /// What counts of a token's log-ratio, and the derivative of that by the log-probability.
    fn own_ratio<S: SurrogateRow>(&self, loss: &PolicyLoss<S>, at: (usize, usize)) -> Dual<T, 1> {
        let old = self.old_logp.unwrap_or(self.logp).at(at);
        let log_ratio = Dual::variable(self.logp.at(at), 0) - Dual::constant(old);
        loss.surrogate.bounded(log_ratio, Dual::constant(self.advantage.at(at)))
    }

    fn row<S: SurrogateRow>(&self, loss: &PolicyLoss<S>, row: usize) -> Row<T> {
        let n = self.counted(row).count();
        if loss.level == Level::Token || n == 0 {
            return Row { n, log_ratio: T::zero() };
        }
        let sum = T::total(self.counted(row).map(|at| self.own_ratio(loss, at).re));
        let log_ratio = if loss.level == Level::SequenceSum { sum } else { sum / T::lift(n as f64) };
        Row { n, log_ratio: log_ratio.shared() }
    }

    /// A token's loss, its divergence and its metrics.
    fn token<S: SurrogateRow>(
        &self,
        loss: &PolicyLoss<S>,
        log_ratio: T,
        at: (usize, usize),
    ) -> (Sloped<T>, T, [Sloped<T>; MOST_METRICS]) {
        let (log_ratio, logp) = (Dual::variable(log_ratio, 0), Dual::variable(self.logp.at(at), 1));
        let advantage = self.advantage.at(at);
        let term = loss.surrogate.surrogate(log_ratio, logp, Dual::constant(advantage));
        let weight = self.weight.map_or(T::one(), |weight| weight.at(at));
        // Nothing flows through an advantage of 0, however large the ratio.
        let counts = weight.value() != 0.0 && advantage.value() != 0.0;
        let policy = if counts { Dual::constant(weight) * term.loss } else { Dual::zero() };
        let Some(reference) = self.ref_logp else { return (policy, T::zero(), term.metrics) };
        let kl = (Dual::constant(reference.at(at)) - logp).expm1m();
        let corrected = if loss.corrected { log_ratio.exp() * kl } else { kl };
        let sum = if loss.beta > 0.0 { policy + Dual::lift(loss.beta) * corrected } else { policy };
        (sum, kl.re, term.metrics)
    }

    /// The log-ratio that a token sees.
    fn seen<S: SurrogateRow>(&self, loss: &PolicyLoss<S>, row: &Row<T>, at: (usize, usize)) -> T {
        if loss.level == Level::Token { self.own_ratio(loss, at).re } else { row.log_ratio }
    }
}

/// Planes of a row: loss, divergence, tokens, metrics, status.
fn planes<S: SurrogateRow, T: Scalar>(
    loss: &PolicyLoss<S>,
    x: &PolicyInputs<'_, T>,
    row: usize,
) -> [T; PLANES.len() + MOST_METRICS + 1] {
    let (mut results, of) = ([T::zero(); PLANES.len() + MOST_METRICS + 1], x.row(loss, row));
    if of.n == 0 {
        results[PLANES.len() + S::METRICS.len()] = T::lift(status::EMPTY_SEGMENT.into());
        return results;
    }
    let tokens = || x.counted(row).map(|at| x.token(loss, x.seen(loss, &of, at), at));
    let n = T::lift(of.n as f64);
    let sum = T::total(tokens().map(|(loss, ..)| loss.re));
    results[0] = if loss.aggregate.is_mean() { sum / n } else { sum };
    results[1] = T::total(tokens().map(|(_, kl, _)| kl)) / n;
    results[2] = n;
    for (k, place) in results[3..].iter_mut().take(S::METRICS.len()).enumerate() {
        *place = T::total(tokens().map(|(.., metrics)| metrics[k].re)) / n;
    }
    results
}

/// The gradient of a row; zeros where nothing counts.
fn gradient<S: SurrogateRow, T: Scalar>(
    loss: &PolicyLoss<S>,
    x: &PolicyInputs<'_, T>,
    scale: T,
    row: usize,
    slopes: &mut [T],
) {
    slopes.fill(T::zero());
    let of = x.row(loss, row);
    let n = T::lift(of.n.max(1) as f64);
    let scale = x.upstream.map_or(scale, |upstream| scale * upstream[row]);
    let scale = if loss.aggregate.is_mean() { scale / n } else { scale };
    let slope_of = |at| x.token(loss, x.seen(loss, &of, at), at).0.eps;
    // How the row's loss moves with the log-ratio that all its tokens share.
    let shared = match loss.level {
        Level::Token | Level::SequenceToken => None,
        Level::Sequence | Level::SequenceSum => {
            let sum = T::total(x.counted(row).map(|at| slope_of(at)[0])).shared();
            Some(if loss.level == Level::Sequence { sum / n } else { sum })
        }
    };
    for at in x.counted(row) {
        let [by_ratio, by_logp] = slope_of(at);
        let own = x.own_ratio(loss, at).eps[0];
        slopes[at.1] = scale.weigh(own.weigh(shared.unwrap_or(by_ratio)) + by_logp);
    }
}

/// The planes of every row (`rows` elements each, in the order of
/// [`result`](bellwether_core::sig::policy_rows::result)) and the gradient of the reduced loss, `[rows, len]`.
///
/// # Errors
/// Parameters out of range, a divergence without a reference, shapes that disagree, more than [`MOST_TOKENS`] tokens, NaN
/// or infinity in what counts; results are then untouched.
pub fn policy_rows<S: SurrogateRow, T: Scalar>(
    loss: &PolicyLoss<S>,
    x: &PolicyInputs<'_, T>,
    reduction: Reduction,
    result: &mut [T],
    gradients: &mut [T],
) -> Result<(), Error> {
    loss.check_with(x.ref_logp.is_some())?;
    reduction.check(S::SPEC.slug)?;
    x.check(S::SPEC.slug, PLANES.len() + S::METRICS.len() + 1, result, gradients)?;
    let scale = T::lift(reduction.scale());
    fill_planes(x.rows, result, |row| planes(loss, x, row));
    fill_rows(x.len, gradients, |row, slopes| gradient(loss, x, scale, row, slopes));
    Ok(())
}
