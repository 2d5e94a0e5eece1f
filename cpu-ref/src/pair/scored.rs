//! From a response to its score.

use bellwether_core::pair::{Length, PairLoss, Score};
use bellwether_core::{Dual, Real};

use super::score;
use crate::rows::Scalar;

/// A response: log-probability, reference and number of tokens.
#[derive(Clone, Copy)]
pub(crate) struct Response<T> {
    pub(crate) logp: T,
    pub(crate) reference: T,
    pub(crate) tokens: T,
}

impl<T: Scalar> Response<T> {
    /// What the loss sees.
    fn ratio<L>(&self, loss: &PairLoss<L>) -> T {
        if loss.reference_free { self.logp } else { self.logp - self.reference }
    }

    pub(crate) fn scored<L>(&self, loss: &PairLoss<L>) -> Scored<T> {
        let (u, n) = (Dual::variable(self.ratio(loss), 0), Dual::constant(self.tokens));
        let over = |s: Dual<T, 1>| if loss.length == Length::Sum { s } else { s / n };
        let (s, seen, tokens) = match loss.length {
            Length::MeanLogp => (score(loss.score, over(u)), over(u).re, T::one()),
            Length::Sum | Length::TokenMean => (over(score(loss.score, u)), u.re, self.tokens),
        };
        let [value, mut slope, mut rest] = [s.re, s.eps[0], T::one()];
        let (c, x) = power(loss.score, seen);
        if x > 60.0 && slope.value() != 0.0 {
            // The slope may be beyond the scalar's range where the gradient is not.
            rest = (T::lift(0.5 * c) * seen).exp();
            slope = if loss.length == Length::Sum { rest } else { rest / self.tokens };
        }
        Scored { value, slope, rest, size: x - tokens.ln().value() }
    }
}

/// A score with its derivative by the log-probability, as a product of two.
pub(crate) struct Scored<T> {
    pub(crate) value: T,
    slope: T,
    rest: T,
    /// What grows with the score where it is beyond the scalar's range: the logarithm of its power, over the length.
    pub(crate) size: f64,
}

impl<T: Scalar> Scored<T> {
    /// The gradient by the log-probability, from that by the score.
    pub(crate) fn chain(&self, by_score: T) -> T {
        by_score.weigh(self.slope).weigh(self.rest)
    }
}

/// The coefficient of a score that is a power, and its exponent.
fn power<T: Real>(map: Score, u: T) -> (f64, f64) {
    match map {
        Score::ForwardKl => (-1.0, -u.value()),
        Score::AlphaDivergence { coef, cap } => (coef - 1.0, ((coef - 1.0) * u.value()).min(cap)),
        // These grow no faster than the log-ratio.
        Score::ReverseKl | Score::JsDivergence | Score::ClippedRatio { .. } => (0.0, 0.0),
    }
}
