//! Driver of the signature PairRows.

use bellwether_core::pair::{Length, PairLoss, Score};
use bellwether_core::sig::Reduction;
use bellwether_core::sig::pair_rows::PLANES;
use bellwether_core::{Dual, Error};

pub use crate::pair::PairLink;
use crate::pair::score;
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

/// The inputs of a pair loss.
#[derive(Clone, Copy, Debug)]
pub struct PairInputs<'a, T> {
    /// Pairs.
    pub n: usize,
    /// Sequence log-probabilities of the chosen responses.
    pub chosen: Plane<'a, T>,
    /// Sequence log-probabilities of the rejected responses.
    pub rejected: Plane<'a, T>,
    /// The chosen ones under the reference.
    pub ref_chosen: Plane<'a, T>,
    /// The rejected ones under the reference.
    pub ref_rejected: Plane<'a, T>,
    /// Tokens of the chosen and the rejected responses; needed under [`Length::TokenMean`].
    pub lengths: Option<(Plane<'a, T>, Plane<'a, T>)>,
}

impl<'a, T: Scalar> PairInputs<'a, T> {
    /// Four packed planes, no lengths.
    #[must_use]
    pub fn new(chosen: &'a [T], rejected: &'a [T], ref_chosen: &'a [T], ref_rejected: &'a [T]) -> Self {
        Self {
            n: chosen.len(),
            chosen: chosen.into(),
            rejected: rejected.into(),
            ref_chosen: ref_chosen.into(),
            ref_rejected: ref_rejected.into(),
            lengths: None,
        }
    }

    /// The same with the number of tokens of each response.
    #[must_use]
    pub fn with_lengths(self, chosen: &'a [T], rejected: &'a [T]) -> Self {
        Self { lengths: Some((chosen.into(), rejected.into())), ..self }
    }

    fn check(&self, op: &'static str, length: Length) -> Result<(), Error> {
        let plane = |arg, p: &Plane<'_, T>| {
            holds_rows(op, arg, p.data, (self.n, 1, p.stride))?;
            (0..self.n).try_for_each(|i| finite(op, arg, (i, 0), p.at(i).value()))
        };
        plane("chosen", &self.chosen)?;
        plane("rejected", &self.rejected)?;
        plane("ref_chosen", &self.ref_chosen)?;
        plane("ref_rejected", &self.ref_rejected)?;
        match (length, &self.lengths) {
            (Length::Sum, _) => Ok(()),
            (Length::TokenMean, None) => {
                Err(Error::ShapeMismatch { op, arg: "chosen_len", expected: self.n, given: 0 })
            }
            (Length::TokenMean, Some((chosen, rejected))) => {
                for (arg, p) in [("chosen_len", chosen), ("rejected_len", rejected)] {
                    plane(arg, p)?;
                    if let Some(row) = (0..self.n).find(|&i| p.at(i).value() < 1.0) {
                        return Err(Error::EmptyMean { op, arg, row });
                    }
                }
                Ok(())
            }
        }
    }
}

/// The score of a response with its derivative by the log-probability.
fn scored<T: Scalar>(map: Score, u: T, length: Option<T>) -> Dual<T, 1> {
    let s = score(map, Dual::variable(u, 0));
    length.map_or(s, |n| s / Dual::constant(n))
}

/// What grows with the size of a score that is beyond the scalar's range: the logarithm of its power, over the length.
fn size<T: Scalar>(map: Score, u: T, length: Option<T>) -> f64 {
    let exponent = match map {
        Score::ForwardKl => -u.value(),
        Score::AlphaDivergence { coef, cap } => ((coef - 1.0) * u.value()).min(cap),
        // These grow no faster than the log-ratio.
        Score::ReverseKl | Score::JsDivergence => 0.0,
    };
    exponent - length.map_or(0.0, |n| n.ln().value())
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

/// Loss, rewards, margin, accuracy and gradients of one pair.
fn row<L: PairLink, T: Scalar>(
    loss: &PairLoss<L>,
    x: &PairInputs<'_, T>,
    scale: T,
    i: usize,
) -> [T; PLANES.len()] {
    let beta = T::lift(loss.beta);
    let ratio = |logp: T, reference: T| if loss.reference_free { logp } else { logp - reference };
    let lengths = match loss.length {
        Length::Sum => None,
        Length::TokenMean => x.lengths,
    };
    let (chosen, rejected) = (x.chosen.at(i), x.rejected.at(i));
    let (ref_chosen, ref_rejected) = (x.ref_chosen.at(i), x.ref_rejected.at(i));
    let (u_w, u_l) = (ratio(chosen, ref_chosen), ratio(rejected, ref_rejected));
    let (n_w, n_l) = (lengths.map(|(n, _)| n.at(i)), lengths.map(|(_, n)| n.at(i)));
    let (w, l) = (scored(loss.score, u_w, n_w), scored(loss.score, u_l, n_l));
    let sizes = [size(loss.score, u_w, n_w), size(loss.score, u_l, n_l)];
    let [s_w, s_l] = comparable(w.re, l.re, sizes);
    let value = loss.link.loss(Dual::constant(beta), Dual::<T, 2>::variable(s_w, 0), Dual::variable(s_l, 1));
    let [by_w, by_l] = value.eps.map(|g| scale * g);
    let reward_chosen = beta * (chosen - ref_chosen);
    let reward_rejected = beta * (rejected - ref_rejected);
    let margin = reward_chosen - reward_rejected;
    let (d_chosen, d_rejected) = (by_w.weigh(w.eps[0]), by_l.weigh(l.eps[0]));
    [value.re, reward_chosen, reward_rejected, margin, margin.step(), d_chosen, d_rejected, T::zero()]
}

/// Loss, rewards, margin, accuracy and gradients of every pair: planes [`PLANES`] of `n` elements each.
///
/// Losses are per pair; gradients are those of the reduced loss.
///
/// # Errors
/// Parameters out of range, shapes that disagree, NaN or infinity in an input, lengths missing or below 1 under
/// [`Length::TokenMean`]; `result` is then untouched.
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
    x.check(slug, loss.length)?;
    let scale = T::lift(reduction.scale());
    fill_planes(x.n, result, |i| row(loss, x, scale, i));
    Ok(())
}
