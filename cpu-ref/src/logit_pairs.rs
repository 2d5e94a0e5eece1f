//! Driver of the signature LogitPairs.

use bellwether_core::Error;
use bellwether_core::sig::logit_pairs::{By, PLANES, PairLayout, UPSTREAM};

use crate::Element;
pub use crate::logprob::pair::PairRow;
use crate::rows::{Scalar, exactly, fill_planes, fill_rows, holds_rows, product};
use crate::token_rows::{check_labels, check_row, label_of};

/// Two matrices of logits and labels: `n = labels.len()` rows.
#[derive(Clone, Copy, Debug)]
pub struct LogitPairs<'a, E> {
    /// The policy's logits; row `i` begins at `i · layout.stride`.
    pub logits: &'a [E],
    /// The reference's; row `i` begins at `i · layout.ref_stride`.
    pub ref_logits: &'a [E],
    /// One label per row.
    pub labels: &'a [i32],
    /// Sizes, strides and label rules.
    pub layout: PairLayout,
    /// One word per row, 0 where it does not count; `None`: all do that have a label.
    pub mask: Option<&'a [i32]>,
}

impl<'a, E> LogitPairs<'a, E> {
    /// No mask.
    #[must_use]
    pub const fn new([logits, ref_logits]: [&'a [E]; 2], labels: &'a [i32], layout: PairLayout) -> Self {
        Self { logits, ref_logits, labels, layout, mask: None }
    }

    /// Both rows of logits of row `i`.
    fn rows(&self, i: usize) -> (&'a [E], &'a [E]) {
        let PairLayout { v, stride, ref_stride, .. } = self.layout;
        (&self.logits[i * stride..][..v], &self.ref_logits[i * ref_stride..][..v])
    }

    /// The label that scores row `i`, where one does and the row counts.
    fn label(&self, i: usize) -> Option<usize> {
        label_of(self.labels, &self.layout.rules, self.mask, i)
    }

    /// Shapes, labels, and the logits of every row that counts.
    fn check<T: Scalar>(&self, op: &'static str) -> Result<(), Error>
    where
        E: Element<T>,
    {
        let (n, l) = (self.labels.len(), self.layout);
        holds_rows(op, "logits", self.logits, (n, l.v, l.stride))?;
        holds_rows(op, "ref_logits", self.ref_logits, (n, l.v, l.ref_stride))?;
        check_labels(op, self.labels, &l.rules, self.mask, l.v)?;
        (0..n).filter(|&i| self.label(i).is_some()).try_for_each(|i| {
            let (x, r) = self.rows(i);
            check_row::<T, E>(op, i, x)?;
            check_row::<T, E>(op, i, r).map_err(of_reference)
        })
    }
}

/// The same error, of the reference's logits.
pub(crate) const fn of_reference(error: Error) -> Error {
    match error {
        Error::NonFinite { op, row, col, given, .. } => {
            Error::NonFinite { op, arg: "ref_logits", row, col, given }
        }
        other => other,
    }
}

/// Divergences, log-probabilities and the state of every row: the operator's planes, `n` elements each.
///
/// A row that does not count is 0 in every plane and its logits are not read.
///
/// # Errors
/// Shapes that disagree, labels outside `0..v`, NaN or +∞ in a row that counts, a row of −∞ only; `result` is then
/// untouched.
pub fn logit_pairs<O: PairRow, T: Scalar, E: Element<T>>(
    op: &O,
    x: &LogitPairs<'_, E>,
    result: &mut [T],
) -> Result<(), Error> {
    let (slug, n) = (O::SPEC.slug, x.labels.len());
    op.check()?;
    x.check::<T>(slug)?;
    exactly(slug, "result", result, product(slug, "result", PLANES, n)?)?;
    fill_planes(n, result, |i| match x.label(i) {
        None => [T::zero(); PLANES],
        Some(y) => {
            let (logits, ref_logits) = x.rows(i);
            op.planes(logits, ref_logits, y)
        }
    });
    Ok(())
}

/// Upstream gradients per row, in the order of the operator's `UPSTREAM`; `None` is zero everywhere.
pub type PairUpstream<'a, T> = [Option<&'a [T]>; UPSTREAM];

/// A number per row in each plane, and no plane that the operator has not.
pub(crate) fn check_upstream<O: PairRow, T>(up: &PairUpstream<'_, T>, n: usize) -> Result<(), Error> {
    up.iter().enumerate().try_for_each(|(i, plane)| {
        let expected = if i < O::UPSTREAM.len() { n } else { 0 };
        let arg = O::UPSTREAM.get(i).copied().unwrap_or("upstream");
        plane.map_or(Ok(()), |plane| exactly(O::SPEC.slug, arg, plane, expected))
    })
}

/// Gradient by one of the two matrices of logits, packed `[n, v]`; zero in rows that do not count.
///
/// # Errors
/// As [`logit_pairs`], and an upstream plane that the operator has not; `d_logits` is then untouched.
pub fn logit_pairs_backward<O: PairRow, T: Scalar, E: Element<T>>(
    op: &O,
    x: &LogitPairs<'_, E>,
    up: &PairUpstream<'_, T>,
    by: By,
    d_logits: &mut [E],
) -> Result<(), Error> {
    let (slug, n, v) = (O::SPEC.slug, x.labels.len(), x.layout.v);
    op.check()?;
    x.check::<T>(slug)?;
    check_upstream::<O, T>(up, n)?;
    exactly(slug, "d_logits", d_logits, product(slug, "d_logits", n, v)?)?;
    fill_rows(v, d_logits, |i, out| match x.label(i) {
        None => out.fill(E::write(T::zero())),
        Some(y) => {
            let up = up.map(|plane| plane.and_then(|p| p.get(i)).copied().unwrap_or_else(T::zero));
            op.gradient(x.rows(i), y, &up, by, out);
        }
    });
    Ok(())
}
