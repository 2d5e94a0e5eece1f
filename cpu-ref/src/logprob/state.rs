//! What is known of some columns of a row of logits, and how two such states make one.

use bellwether_core::{Real, logprob::Token};

use super::token::{Row, banned};
use crate::Element;

/// The state of some columns: see [`STATE`](bellwether_core::sig::token_rows::STATE).
///
/// [`merge`](State::merge) is associative and [`empty`](State::empty) changes nothing, so shards of a vocabulary may be
/// combined in any grouping.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct State<T> {
    /// The largest `x`; −f32::MAX where there is none.
    pub top: T,
    /// `Σ exp(x − top) − 1`.
    pub rest: T,
    /// `Σ (x − top) exp(x − top)`.
    pub moment: T,
    /// `Σ exp(2 (x − top)) − 1`.
    pub square: T,
    /// Half the mean of `x`, which never overflows; 0 where there is none.
    pub half_mean: T,
    /// How many columns are not banned.
    pub allowed: T,
    /// The column of the first largest; 2²⁴ where there is none.
    pub first: T,
    /// The label's logit, scaled; +∞ where the label is elsewhere.
    pub label: T,
}

/// Below every logit; a state of nothing has it as its largest.
const NOTHING: f64 = -(f32::MAX as f64);
/// Behind every column.
const NOWHERE: f64 = (1 << 24) as f64;

impl<T: Real> State<T> {
    /// Of no column.
    #[must_use]
    pub fn empty() -> Self {
        let [zero, none] = [0.0, -1.0].map(T::lift);
        Self {
            top: T::lift(NOTHING),
            rest: none,
            moment: zero,
            square: none,
            half_mean: zero,
            allowed: zero,
            first: T::lift(NOWHERE),
            label: T::lift(f64::INFINITY),
        }
    }

    /// Of neighbouring columns, the first of which is `base`; `label` counts from the vocabulary's first.
    pub fn of<E: Element<T>>(op: &Token, logits: &[E], base: usize, label: usize) -> Self {
        let own = label.checked_sub(base).and_then(|j| logits.get(j)).map(|x| x.read());
        let label = own.map(|x| if banned(x) { x } else { op.scaled(x) });
        let label = label.unwrap_or_else(|| T::lift(f64::INFINITY));
        let allowed = || {
            let read = logits.iter().map(|x| x.read()).enumerate();
            read.filter(|(_, x)| !banned(*x)).map(|(j, x)| (j, op.scaled(x)))
        };
        let largest = allowed().reduce(|a, b| if b.1.value() > a.1.value() { b } else { a });
        let Some((first, top)) = largest else { return Self { label, ..Self::empty() } };
        let (shift, count) = (top.frozen(), T::lift(allowed().count() as f64));
        let rest = |j: usize, d: T| if j == first { d.exp_m1() } else { d.exp() };
        Self {
            top,
            rest: T::total(allowed().map(|(j, x)| rest(j, x - shift))),
            moment: T::total(allowed().map(|(_, x)| (x - shift).exp().weigh(x - shift))),
            square: T::total(allowed().map(|(j, x)| rest(j, (x - shift) + (x - shift)))),
            half_mean: T::total(allowed().map(|(_, x)| x / (count + count))),
            allowed: count,
            first: T::lift((base + first) as f64),
            label,
        }
    }

    /// Of the columns of both.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let (high, low) = if other.top.value() > self.top.value() { (other, self) } else { (self, other) };
        let step = low.top.frozen() - high.top.frozen();
        let (weight, total, squares) = (step.exp(), T::one() + low.rest, T::one() + low.square);
        let allowed = self.allowed + other.allowed;
        let share = |part: Self| part.half_mean * (part.allowed / T::lift(allowed.value().max(1.0)));
        let tie = high.top.value() <= low.top.value();
        Self {
            top: high.top,
            rest: high.rest + total.weigh(weight),
            moment: high.moment + weight.weigh(low.moment + total.weigh(step)),
            square: high.square + squares.weigh(weight * weight),
            half_mean: share(self) + share(other),
            allowed,
            first: if tie && low.first.value() < high.first.value() { low.first } else { high.first },
            label: if self.label.value() < f64::INFINITY { self.label } else { other.label },
        }
    }

    /// The state as planes, without the status.
    pub(crate) fn planes(&self) -> [T; 8] {
        [self.top, self.rest, self.moment, self.square, self.half_mean, self.allowed, self.first, self.label]
    }

    /// The state that planes hold.
    pub(crate) fn from_planes([top, rest, moment, square, half_mean, allowed, first, label]: [T; 8]) -> Self {
        Self { top, rest, moment, square, half_mean, allowed, first, label }
    }

    /// The statistics of a whole row whose label is `label`.
    pub fn finish(&self, label: usize) -> Row<T> {
        let (shift, log_norm) = (self.top.frozen(), self.rest.ln_1p());
        let is_first = self.first.value() >= label as f64 && self.first.value() <= label as f64;
        Row {
            logp: if banned(self.label) { self.label } else { (self.label - shift) - log_norm },
            lse: shift + log_norm,
            entropy: log_norm - self.moment / (T::one() + self.rest),
            log_sum_sq: self.square.ln_1p() - (log_norm + log_norm),
            mean_logit: self.half_mean + self.half_mean,
            top1: T::lift(if is_first { 1.0 } else { 0.0 }),
            max: self.top,
            log_sum: log_norm - (self.top - shift),
            allowed: self.allowed,
            shift,
            log_norm,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logprob::token::row;

    const LOGITS: [f64; 9] = [0.3, -1.2, 2.5, f64::NEG_INFINITY, 0.3, -40.0, 2.5, 1.0, -3.0];

    fn close(a: &Row<f64>, b: &Row<f64>) -> bool {
        let of = |r: &Row<f64>| {
            [r.logp, r.lse, r.entropy, r.log_sum_sq, r.mean_logit, r.top1, r.max, r.log_sum, r.allowed]
        };
        of(a).iter().zip(of(b)).all(|(x, y)| x.to_bits() == y.to_bits() || (x - y).abs() < 1e-14)
    }

    #[test]
    fn states_of_shards_in_any_grouping_make_the_row() {
        let op = Token::at(0.8);
        for label in 0..LOGITS.len() {
            let whole = row(&op, &LOGITS, label);
            for cut in [1, 2, 3, 4, 7] {
                let shards =
                    LOGITS.chunks(cut).enumerate().map(|(i, part)| State::of(&op, part, i * cut, label));
                let left = shards.clone().fold(State::empty(), State::merge);
                let right = shards.rev().reduce(|later, part| part.merge(later)).unwrap_or_else(State::empty);
                let ok = |state: State<f64>| {
                    let made = state.finish(label);
                    close(&made, &whole)
                };
                assert!(ok(left) && ok(right), "label {label}, shards of {cut}: {left:?}, {right:?}");
            }
        }
    }

    #[test]
    fn banned_columns_are_nothing() {
        let none = State::of(&Token::default(), &[f64::NEG_INFINITY; 3], 5, 6);
        assert_eq!(State { label: f64::INFINITY, ..none }, State::empty());
        assert!(banned(none.label));
    }
}
