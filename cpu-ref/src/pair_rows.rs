//! Driver of the signature PairRows.

use bellwether_core::pair::{Length, PairLoss, Reward, Score, Sft};
use bellwether_core::sig::Reduction;
use bellwether_core::sig::pair_rows::{PLANES, check_extras};
use bellwether_core::{Dual, Error, Real};

use crate::pair::score;
pub use crate::pair::{PairLink, Scores};
use crate::rows::{Scalar, exactly, fill_planes, finite, holds_rows, product};

/// One value per pair: element `i` of the plane is `data[i · stride]`.
#[derive(Clone, Copy, Debug)]
pub struct Plane<'a, T> {
    /// The array, from the first element on.
    pub data: &'a [T],
    /// Elements from one to the next: 1 for a plane, 2 for one column of `[n, 2]`.
    pub stride: usize,
}

impl<'a, T> From<&'a [T]> for Plane<'a, T> {
    fn from(data: &'a [T]) -> Self {
        Self { data, stride: 1 }
    }
}

impl<T: Copy> Plane<'_, T> {
    fn at(&self, i: usize) -> T {
        self.data[i * self.stride]
    }
}

/// What pairs bring along, beside their log-probabilities.
#[derive(Clone, Copy, Debug)]
pub struct Extras<'a, T> {
    /// Weights; 1 where there are none.
    pub weight: Option<Plane<'a, T>>,
    /// Margins, beside that of the loss.
    pub margin: Option<Plane<'a, T>>,
    /// Probabilities that the chosen response is the better one; instead of the loss's [`Noise`].
    ///
    /// [`Noise`]: bellwether_core::pair::Noise
    pub preference: Option<Plane<'a, T>>,
}

impl<T> Default for Extras<'_, T> {
    fn default() -> Self {
        Self { weight: None, margin: None, preference: None }
    }
}

/// The inputs of a pair loss.
#[derive(Clone, Copy, Debug)]
pub struct PairInputs<'a, T> {
    /// Pairs.
    pub n: usize,
    /// Sequence log-probabilities of the chosen responses.
    pub chosen: Plane<'a, T>,
    /// Sequence log-probabilities of the rejected responses.
    pub rejected: Plane<'a, T>,
    /// The chosen ones under the reference; may be empty where the loss does not [read](PairLoss::reads_reference) it.
    pub ref_chosen: Plane<'a, T>,
    /// The rejected ones under the reference.
    pub ref_rejected: Plane<'a, T>,
    /// Tokens of the chosen and the rejected responses; needed where the loss [reads](PairLoss::reads_lengths) them.
    pub lengths: Option<(Plane<'a, T>, Plane<'a, T>)>,
    /// Weights, margins and preferences.
    pub extras: Extras<'a, T>,
}

impl<'a, T: Scalar> PairInputs<'a, T> {
    /// Four packed planes, nothing else.
    #[must_use]
    pub fn new(chosen: &'a [T], rejected: &'a [T], ref_chosen: &'a [T], ref_rejected: &'a [T]) -> Self {
        Self {
            n: chosen.len(),
            chosen: chosen.into(),
            rejected: rejected.into(),
            ref_chosen: ref_chosen.into(),
            ref_rejected: ref_rejected.into(),
            lengths: None,
            extras: Extras::default(),
        }
    }

    /// The same with the number of tokens of each response.
    #[must_use]
    pub fn with_lengths(self, chosen: &'a [T], rejected: &'a [T]) -> Self {
        Self { lengths: Some((chosen.into(), rejected.into())), ..self }
    }

    /// The same with what pairs bring along.
    #[must_use]
    pub fn with_extras(self, extras: Extras<'a, T>) -> Self {
        Self { extras, ..self }
    }

    fn check<L: PairLink>(&self, loss: &PairLoss<L>) -> Result<(), Error> {
        let (op, own) = (L::SPEC.slug, &self.extras);
        check_extras(loss, own.margin.is_some(), own.preference.is_some())?;
        self.plane(op, "chosen", Some(&self.chosen))?;
        self.plane(op, "rejected", Some(&self.rejected))?;
        let reference = |plane| Some(plane).filter(|_| loss.reads_reference());
        self.plane(op, "ref_chosen", reference(&self.ref_chosen))?;
        self.plane(op, "ref_rejected", reference(&self.ref_rejected))?;
        if loss.reads_lengths() {
            let Some((chosen, rejected)) = &self.lengths else {
                return Err(Error::ShapeMismatch { op, arg: "chosen_len", expected: self.n, given: 0 });
            };
            self.at_least_one(op, "chosen_len", chosen)?;
            self.at_least_one(op, "rejected_len", rejected)?;
        }
        self.plane(op, "weight", own.weight.as_ref())?;
        self.within(op, "weight", own.weight.as_ref(), ">= 0", |w| w >= 0.0)?;
        self.plane(op, "margin", own.margin.as_ref())?;
        self.plane(op, "preference", own.preference.as_ref())?;
        self.within(op, "preference", own.preference.as_ref(), "in [0, 1]", |p| (0.0..=1.0).contains(&p))?;
        if L::LOG_PROBABILITY { self.log_probabilities(loss) } else { Ok(()) }
    }

    fn plane(&self, op: &'static str, arg: &'static str, plane: Option<&Plane<'a, T>>) -> Result<(), Error> {
        let Some(p) = plane else { return Ok(()) };
        holds_rows(op, arg, p.data, (self.n, 1, p.stride))?;
        (0..self.n).try_for_each(|i| finite(op, arg, (i, 0), p.at(i).value()))
    }

    fn at_least_one(&self, op: &'static str, arg: &'static str, plane: &Plane<'a, T>) -> Result<(), Error> {
        self.plane(op, arg, Some(plane))?;
        match (0..self.n).find(|&i| plane.at(i).value() < 1.0) {
            Some(row) => Err(Error::EmptyMean { op, arg, row }),
            None => Ok(()),
        }
    }

    fn within(
        &self,
        op: &'static str,
        arg: &'static str,
        plane: Option<&Plane<'a, T>>,
        allowed: &'static str,
        inside: impl Fn(f64) -> bool,
    ) -> Result<(), Error> {
        let Some(p) = plane else { return Ok(()) };
        let outside = (0..self.n).map(|row| (row, p.at(row).value())).find(|&(_, given)| !inside(given));
        outside.map_or(Ok(()), |(row, given)| Err(Error::OutOfDomain { op, arg, row, given, allowed }))
    }

    /// A response that counts as rejected has a probability below 1: both do, where labels may be wrong.
    fn log_probabilities<L: PairLink>(&self, loss: &PairLoss<L>) -> Result<(), Error> {
        let op = L::SPEC.slug;
        self.within(op, "rejected", Some(&self.rejected), "below 0", |a| a < 0.0)?;
        self.within(op, "chosen", Some(&self.chosen), "at most 0", |a| a <= 0.0)?;
        for i in 0..self.n {
            let given = self.chosen.at(i).value();
            if given >= 0.0 && self.weights(loss, i)[1].value().abs() > 0.0 {
                let allowed = "below 0 where the label may be wrong";
                return Err(Error::OutOfDomain { op, arg: "chosen", row: i, given, allowed });
            }
        }
        Ok(())
    }

    /// The weights of pair `i`'s loss and of the exchanged pair's.
    fn weights<L>(&self, loss: &PairLoss<L>, i: usize) -> [T; 2] {
        match &self.extras.preference {
            Some(p) => [p.at(i), T::one() - p.at(i)],
            None => loss.noise.weights().map(T::lift),
        }
    }
}

/// A response: log-probability, reference and number of tokens.
#[derive(Clone, Copy)]
struct Response<T> {
    logp: T,
    reference: T,
    tokens: T,
}

impl<T: Scalar> Response<T> {
    /// What the loss sees.
    fn ratio<L>(&self, loss: &PairLoss<L>) -> T {
        if loss.reference_free { self.logp } else { self.logp - self.reference }
    }

    /// The score with its derivative by the log-probability, and what grows with its size where it is beyond the
    /// scalar's range: the logarithm of its power, over the length.
    fn scored<L>(&self, loss: &PairLoss<L>) -> (Dual<T, 1>, f64) {
        let (u, n) = (Dual::variable(self.ratio(loss), 0), Dual::constant(self.tokens));
        let over = |s: Dual<T, 1>| if loss.length == Length::Sum { s } else { s / n };
        match loss.length {
            Length::MeanLogp => (score(loss.score, over(u)), exponent(loss.score, (u / n).re)),
            Length::Sum | Length::TokenMean => {
                (over(score(loss.score, u)), exponent(loss.score, u.re) - self.tokens.ln().value())
            }
        }
    }
}

/// The exponent of a score that is a power.
fn exponent<T: Real>(map: Score, u: T) -> f64 {
    match map {
        Score::ForwardKl => -u.value(),
        Score::AlphaDivergence { coef, cap } => ((coef - 1.0) * u.value()).min(cap),
        // These grow no faster than the log-ratio.
        Score::ReverseKl | Score::JsDivergence | Score::ClippedRatio { .. } => 0.0,
    }
}

/// The two scores as the link takes them. Where both are beyond the scalar's range the one of the smaller size is left
/// out, so that their difference keeps its sign; equal ones both are.
fn comparable<T: Scalar>(w: T, l: T, sizes: [f64; 2]) -> [T; 2] {
    if w.value().is_finite() || l.value().is_finite() {
        return [w, l];
    }
    let [size_w, size_l] = sizes;
    [if size_w > size_l { w } else { T::zero() }, if size_l > size_w { l } else { T::zero() }]
}

/// The link's loss with its derivatives by the two scores.
fn linked<L: PairLink, T: Scalar>(
    loss: &PairLoss<L>,
    scores: [T; 2],
    margin: T,
    [kept, flipped]: [T; 2],
) -> Dual<T, 2> {
    let beta = Dual::constant(T::lift(loss.beta));
    let (w, l) = (Dual::<T, 2>::variable(scores[0], 0), Dual::variable(scores[1], 1));
    let scores = Scores { beta, w, l, z: beta * (w - l) - Dual::constant(margin) };
    let plain = loss.link.loss(&scores);
    if flipped.value() == 0.0 {
        return plain;
    }
    let part =
        |weight: T, x: Dual<T, 2>| Dual { re: weight.weigh(x.re), eps: x.eps.map(|e| weight.weigh(e)) };
    part(kept, plain) + part(flipped, loss.link.loss(&scores.exchanged()))
}

/// Loss, rewards, margin, accuracy and gradients of one pair.
fn row<L: PairLink, T: Scalar>(
    loss: &PairLoss<L>,
    x: &PairInputs<'_, T>,
    scale: T,
    i: usize,
) -> [T; PLANES.len()] {
    let tokens = x.lengths.filter(|_| loss.reads_lengths()).map(|(w, l)| [w.at(i), l.at(i)]);
    let tokens = tokens.unwrap_or([T::one(); 2]);
    let reference = |p: &Plane<'_, T>| if loss.reads_reference() { p.at(i) } else { T::zero() };
    let chosen = Response { logp: x.chosen.at(i), reference: reference(&x.ref_chosen), tokens: tokens[0] };
    let rejected =
        Response { logp: x.rejected.at(i), reference: reference(&x.ref_rejected), tokens: tokens[1] };
    let ((w, size_w), (l, size_l)) = (chosen.scored(loss), rejected.scored(loss));
    let margin = x.extras.margin.map_or(T::lift(loss.margin), |m| T::lift(loss.margin) + m.at(i));
    let scores = comparable(w.re, l.re, [size_w, size_l]);
    let value = linked(loss, scores, margin, x.weights(loss, i));
    let sft = match loss.sft {
        Sft::None => T::zero(),
        Sft::Sum(weight) => T::lift(weight),
        Sft::TokenMean(weight) => T::lift(weight) / chosen.tokens,
    };
    let optimism = T::lift(loss.optimism);
    let likely = optimism * rejected.logp - sft * chosen.logp;
    let weight = x.extras.weight.map_or(T::one(), |w| w.at(i));
    let [by_w, by_l] = value.eps;
    let d_chosen = (scale * weight).weigh(by_w.weigh(w.eps[0]) - sft);
    let d_rejected = (scale * weight).weigh(by_l.weigh(l.eps[0]) + optimism);
    let reward = |r: Response<T>, score: T| match loss.reward {
        Reward::LogRatio => T::lift(loss.beta) * (r.logp - r.reference),
        Reward::Score => T::lift(loss.beta) * score,
    };
    let [reward_w, reward_l] = [reward(chosen, w.re), reward(rejected, l.re)];
    let margin = reward_w - reward_l;
    let value = weight.weigh(value.re + likely);
    [value, reward_w, reward_l, margin, margin.step(), d_chosen, d_rejected, T::zero()]
}

/// Loss, rewards, margin, accuracy and gradients of every pair: planes [`PLANES`] of `n` elements each.
///
/// Losses are per pair; gradients are those of the reduced loss.
///
/// # Errors
/// Parameters out of range, combinations that mean nothing, shapes that disagree, NaN or infinity in an input, numbers
/// outside their range, lengths that are read and missing or below 1; `result` is then untouched.
pub fn pair_rows<L: PairLink, T: Scalar>(
    loss: &PairLoss<L>,
    x: &PairInputs<'_, T>,
    reduction: Reduction,
    result: &mut [T],
) -> Result<(), Error> {
    let slug = L::SPEC.slug;
    loss.check()?;
    reduction.check(slug)?;
    // First: with a stride of 0, `n` may be a number that no loop ends at.
    exactly(slug, "result", result, product(slug, "result", PLANES.len(), x.n)?)?;
    x.check(loss)?;
    let scale = T::lift(reduction.scale());
    fill_planes(x.n, result, |i| row(loss, x, scale, i));
    Ok(())
}
