//! Driver of the signature TokenRows.

use bellwether_core::logprob::Token;
use bellwether_core::sig::token_rows::{Labels, PLANES};
use bellwether_core::{Error, Op, status};

use crate::logprob::token::{Row, Upstream, banned, row, slope};
pub use crate::rows::Scalar;
use crate::rows::{exactly, fill_planes, fill_rows, holds_rows, product};

/// Logits and labels: `n = labels.len()` rows of `v` logits.
#[derive(Clone, Copy, Debug)]
pub struct Tokens<'a, T> {
    /// The logits; row `i` begins at `i · stride`.
    pub logits: &'a [T],
    /// Logits per row.
    pub v: usize,
    /// Elements from one row to the next; at least `v`.
    pub stride: usize,
    /// One label per row.
    pub labels: &'a [i32],
    /// Which label scores which row, and which do not count.
    pub rules: Labels,
}

impl<'a, T: Scalar> Tokens<'a, T> {
    /// Packed logits `[n, v]`.
    #[must_use]
    pub const fn new(logits: &'a [T], v: usize, labels: &'a [i32], rules: Labels) -> Self {
        Self { logits, v, stride: v, labels, rules }
    }

    /// The logits of row `i`.
    fn row(&self, i: usize) -> &'a [T] {
        &self.logits[i * self.stride..][..self.v]
    }

    /// The label that scores row `i`, where one does.
    fn label(&self, i: usize) -> Option<usize> {
        self.rules.of(self.labels, i).and_then(|label| usize::try_from(label).ok())
    }

    /// Shapes, labels, and the logits of every row that counts.
    fn check(&self, op: &'static str) -> Result<(), Error> {
        holds_rows(op, "logits", self.logits, (self.labels.len(), self.v, self.stride))?;
        check_labels(op, self.labels, &self.rules, self.v)?;
        (0..self.labels.len())
            .filter(|&i| self.label(i).is_some())
            .try_for_each(|i| check_row(op, i, self.row(i)))
    }
}

/// Every label that scores a row is in `0..v`.
pub(crate) fn check_labels(op: &'static str, labels: &[i32], rules: &Labels, v: usize) -> Result<(), Error> {
    for i in 0..labels.len() {
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
pub(crate) fn check_row<T: Scalar>(op: &'static str, i: usize, logits: &[T]) -> Result<(), Error> {
    let mut support = false;
    for (col, x) in logits.iter().enumerate() {
        let given = x.value();
        if given.is_nan() || given == f64::INFINITY {
            return Err(Error::NonFinite { op, arg: "logits", row: i, col, given });
        }
        support |= given.is_finite();
    }
    if support { Ok(()) } else { Err(Error::EmptySupport { op, row: i }) }
}

/// The planes of one row with this logit at its label, the status included.
pub(crate) fn planes<T: Scalar>(r: &Row<T>, label: T) -> [T; PLANES.len()] {
    let flag = if banned(label) { status::IMPOSSIBLE_LABEL } else { 0 };
    [r.logp, r.lse, r.entropy, r.max, r.log_sum, T::lift(flag.into())]
}

/// Log-probability, logsumexp and entropy of every row: planes [`PLANES`] of `n` elements each.
///
/// A row that does not count is 0 in every plane and its logits are not read.
///
/// # Errors
/// Shapes that disagree, labels outside `0..v`, NaN or +∞ in a row that counts, a row of −∞ only; `result` is then
/// untouched.
pub fn token_rows<T: Scalar>(op: &Token, x: &Tokens<'_, T>, result: &mut [T]) -> Result<(), Error> {
    let slug = Token::SPEC.slug;
    op.check()?;
    x.check(slug)?;
    let n = x.labels.len();
    exactly(slug, "result", result, product(slug, "result", PLANES.len(), n)?)?;
    fill_planes(n, result, |i| match x.label(i) {
        None => [T::zero(); PLANES.len()],
        Some(y) => planes(&row(op, x.row(i), y), x.row(i)[y]),
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
}

impl<T: Scalar> TokenUpstream<'_, T> {
    /// Of row `i`.
    pub(crate) fn at(&self, i: usize) -> Upstream<T> {
        let of = |plane: Option<&[T]>| plane.map_or_else(T::zero, |p| p[i]);
        Upstream { logp: of(self.logp), lse: of(self.lse), entropy: of(self.entropy) }
    }

    /// Every plane has `n` elements.
    pub(crate) fn check(&self, op: &'static str, n: usize) -> Result<(), Error> {
        for (arg, plane) in [("d_logp", self.logp), ("d_lse", self.lse), ("d_entropy", self.entropy)] {
            plane.map_or(Ok(()), |p| exactly(op, arg, p, n))?;
        }
        Ok(())
    }
}

/// Gradient by the logits, packed `[n, v]`; zero in rows that do not count.
///
/// # Errors
/// As [`token_rows`]; `d_logits` is then untouched.
pub fn token_rows_backward<T: Scalar>(
    op: &Token,
    x: &Tokens<'_, T>,
    up: &TokenUpstream<'_, T>,
    d_logits: &mut [T],
) -> Result<(), Error> {
    let slug = Token::SPEC.slug;
    op.check()?;
    x.check(slug)?;
    up.check(slug, x.labels.len())?;
    exactly(slug, "d_logits", d_logits, product(slug, "d_logits", x.labels.len(), x.v)?)?;
    fill_rows(x.v, d_logits, |i, out| match x.label(i) {
        None => out.fill(T::zero()),
        Some(y) => {
            let (logits, up) = (x.row(i), up.at(i));
            let r = row(op, logits, y);
            for (j, slot) in out.iter_mut().enumerate() {
                *slot = slope(op, &r, &up, logits[j], j == y);
            }
        }
    });
    Ok(())
}
