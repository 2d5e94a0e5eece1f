//! Driver of the signature TokenRows.

use bellwether_core::logprob::Token;
use bellwether_core::sig::token_rows::{Labels, MOST_COLUMNS, PLANES};
use bellwether_core::{Error, Op, status};

use crate::Element;
use crate::logprob::token::{Row, Upstream, banned, row, slope};
pub use crate::rows::Scalar;
use crate::rows::{exactly, fill_planes, fill_rows, holds_rows, product};

/// Logits and labels: `n = labels.len()` rows of `v` logits.
#[derive(Clone, Copy, Debug)]
pub struct Tokens<'a, E> {
    /// The logits; row `i` begins at `i · stride`.
    pub logits: &'a [E],
    /// Logits per row.
    pub v: usize,
    /// Elements from one row to the next; at least `v`.
    pub stride: usize,
    /// One label per row.
    pub labels: &'a [i32],
    /// Which label scores which row, and which do not count.
    pub rules: Labels,
    /// One word per row, 0 where it does not count; `None`: all do that have a label.
    pub mask: Option<&'a [i32]>,
}

impl<'a, E> Tokens<'a, E> {
    /// Packed logits `[n, v]`, no mask.
    #[must_use]
    pub const fn new(logits: &'a [E], v: usize, labels: &'a [i32], rules: Labels) -> Self {
        Self { logits, v, stride: v, labels, rules, mask: None }
    }

    /// The logits of row `i`.
    pub(crate) fn row(&self, i: usize) -> &'a [E] {
        &self.logits[i * self.stride..][..self.v]
    }

    /// The label that scores row `i`, where one does and the row counts.
    pub(crate) fn label(&self, i: usize) -> Option<usize> {
        label_of(self.labels, &self.rules, self.mask, i)
    }

    /// Shapes, labels below `bound`, and the logits of every row that counts.
    pub(crate) fn check(
        &self,
        op: &'static str,
        bound: usize,
        check_row: impl Fn(usize, &[E]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let n = self.labels.len();
        holds_rows(op, "logits", self.logits, (n, self.v, self.stride))?;
        if bound > MOST_COLUMNS {
            return Err(Error::ShapeMismatch { op, arg: "v", expected: MOST_COLUMNS, given: bound });
        }
        check_labels(op, self.labels, &self.rules, self.mask, bound)?;
        (0..n).filter(|&i| self.label(i).is_some()).try_for_each(|i| check_row(i, self.row(i)))
    }
}

/// Whether a mask, where there is one, lets row `i` count.
fn kept(mask: Option<&[i32]>, i: usize) -> bool {
    mask.is_none_or(|mask| mask[i] != 0)
}

/// The label that scores row `i`, where one does and the row counts.
pub(crate) fn label_of(labels: &[i32], rules: &Labels, mask: Option<&[i32]>, i: usize) -> Option<usize> {
    rules.of(labels, i).filter(|_| kept(mask, i)).and_then(|label| usize::try_from(label).ok())
}

/// A word of the mask per row, and every label that scores a row that counts in `0..v`.
pub(crate) fn check_labels(
    op: &'static str,
    labels: &[i32],
    rules: &Labels,
    mask: Option<&[i32]>,
    v: usize,
) -> Result<(), Error> {
    mask.map_or(Ok(()), |mask| exactly(op, "mask", mask, labels.len()))?;
    for i in (0..labels.len()).filter(|&i| kept(mask, i)) {
        if let Some(label) = rules.of(labels, i) {
            if usize::try_from(label).map_or(true, |y| y >= v) {
                let row = rules.position(i).unwrap_or(i);
                return Err(Error::IndexOutOfRange { op, arg: "labels", row, index: label.into(), bound: v });
            }
        }
    }
    Ok(())
}

/// No NaN, no +∞, and not all −∞.
pub(crate) fn check_row<T: Scalar, E: Element<T>>(
    op: &'static str,
    i: usize,
    logits: &[E],
) -> Result<(), Error> {
    if check_part::<T, E>(op, i, logits)? { Ok(()) } else { Err(Error::EmptySupport { op, row: i }) }
}

/// No NaN, no +∞; whether any logit is finite.
pub(crate) fn check_part<T: Scalar, E: Element<T>>(
    op: &'static str,
    i: usize,
    logits: &[E],
) -> Result<bool, Error> {
    let mut support = false;
    for (col, x) in logits.iter().enumerate() {
        let given = x.read().value();
        if given.is_nan() || given == f64::INFINITY {
            return Err(Error::NonFinite { op, arg: "logits", row: i, col, given });
        }
        support |= given.is_finite();
    }
    Ok(support)
}

/// The planes of one row with this logit at its label, the status included.
pub(crate) fn planes<T: Scalar>(r: &Row<T>, label: T) -> [T; PLANES.len()] {
    let flag = T::lift(if banned(label) { status::IMPOSSIBLE_LABEL } else { 0 }.into());
    let first = [r.logp, r.lse, r.entropy, r.log_sum_sq, r.mean_logit];
    let [logp, lse, entropy, log_sum_sq, mean_logit] = first;
    [logp, lse, entropy, log_sum_sq, mean_logit, r.top1, r.max, r.log_sum, r.allowed, flag]
}

/// The statistics of every row: planes [`PLANES`] of `n` elements each.
///
/// A row that does not count is 0 in every plane and its logits are not read.
///
/// # Errors
/// Shapes that disagree, labels outside `0..v`, NaN or +∞ in a row that counts, a row of −∞ only; `result` is then
/// untouched.
pub fn token_rows<T: Scalar, E: Element<T>>(
    op: &Token,
    x: &Tokens<'_, E>,
    result: &mut [T],
) -> Result<(), Error> {
    let slug = Token::SPEC.slug;
    op.check()?;
    x.check(slug, x.v, |i, logits| check_row::<T, E>(slug, i, logits))?;
    let n = x.labels.len();
    exactly(slug, "result", result, product(slug, "result", PLANES.len(), n)?)?;
    fill_planes(n, result, |i| match x.label(i) {
        None => [T::zero(); PLANES.len()],
        Some(y) => planes(&row(op, x.row(i), y), x.row(i)[y].read()),
    });
    Ok(())
}

/// Upstream gradients per row; `None` is zero everywhere.
#[derive(Clone, Copy, Debug)]
pub struct TokenUpstream<'a, T> {
    /// Of the log-probabilities.
    pub logp: Option<&'a [T]>,
    /// Of the logsumexps.
    pub lse: Option<&'a [T]>,
    /// Of the entropies.
    pub entropy: Option<&'a [T]>,
    /// Of `log Σ p²`.
    pub log_sum_sq: Option<&'a [T]>,
    /// Of the mean logits.
    pub mean_logit: Option<&'a [T]>,
}

impl<T> Default for TokenUpstream<'_, T> {
    fn default() -> Self {
        Self { logp: None, lse: None, entropy: None, log_sum_sq: None, mean_logit: None }
    }
}

impl<'a, T: Scalar> TokenUpstream<'a, T> {
    /// Planes in the order of [`UPSTREAM`](bellwether_core::sig::token_rows::UPSTREAM).
    #[must_use]
    pub const fn of([logp, lse, entropy, log_sum_sq, mean_logit]: [Option<&'a [T]>; 5]) -> Self {
        Self { logp, lse, entropy, log_sum_sq, mean_logit }
    }

    /// Of row `i`.
    pub(crate) fn at(&self, i: usize) -> Upstream<T> {
        let of = |plane: Option<&[T]>| plane.map_or_else(T::zero, |p| p[i]);
        Upstream {
            logp: of(self.logp),
            lse: of(self.lse),
            entropy: of(self.entropy),
            log_sum_sq: of(self.log_sum_sq),
            mean_logit: of(self.mean_logit),
        }
    }

    /// Every plane has `n` elements.
    pub(crate) fn check(&self, op: &'static str, n: usize) -> Result<(), Error> {
        let planes = [self.logp, self.lse, self.entropy, self.log_sum_sq, self.mean_logit];
        for (arg, plane) in bellwether_core::sig::token_rows::UPSTREAM.into_iter().zip(planes) {
            plane.map_or(Ok(()), |p| exactly(op, arg, p, n))?;
        }
        Ok(())
    }
}

/// Gradient by the logits, packed `[n, v]`; zero in rows that do not count.
///
/// # Errors
/// As [`token_rows`]; `d_logits` is then untouched.
pub fn token_rows_backward<T: Scalar, E: Element<T>>(
    op: &Token,
    x: &Tokens<'_, E>,
    up: &TokenUpstream<'_, T>,
    d_logits: &mut [E],
) -> Result<(), Error> {
    let slug = Token::SPEC.slug;
    op.check()?;
    x.check(slug, x.v, |i, logits| check_row::<T, E>(slug, i, logits))?;
    up.check(slug, x.labels.len())?;
    exactly(slug, "d_logits", d_logits, product(slug, "d_logits", x.labels.len(), x.v)?)?;
    fill_rows(x.v, d_logits, |i, out| match x.label(i) {
        None => out.fill(E::write(T::zero())),
        Some(y) => {
            let (logits, up) = (x.row(i), up.at(i));
            let r = row(op, logits, y);
            for (j, slot) in out.iter_mut().enumerate() {
                *slot = E::write(slope(op, &r, &up, logits[j].read(), j == y));
            }
        }
    });
    Ok(())
}
