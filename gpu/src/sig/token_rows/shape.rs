//! Shapes and buffers of TokenRows.

use bellwether_core::sig::token_rows::{LOGP, Labels, PLANES, Shift};

use crate::error::{Error, index};
use crate::slice::{Plane, Slice, planes};

/// Sizes and strides, in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenShape {
    /// Rows.
    pub n: usize,
    /// Logits per row.
    pub v: usize,
    /// From one row of logits to the next; at least `v`.
    pub logits_stride: usize,
    /// From one plane of the forward result to the next; at least `n`.
    pub result_stride: usize,
    /// From one row of `d_logits` to the next; at least `v`.
    pub gradient_stride: usize,
    /// Which label scores which row.
    pub labels: Labels,
}

impl TokenShape {
    /// Everything without gaps.
    #[must_use]
    pub const fn packed(n: usize, v: usize, labels: Labels) -> Self {
        Self { n, v, logits_stride: v, result_stride: n, gradient_stride: v, labels }
    }
}

/// Buffers of `forward`.
#[derive(Clone, Copy, Debug)]
pub struct TokenForward<'a> {
    /// f32 `[n, v]`.
    pub logits: Slice<'a>,
    /// i32 `[n]`.
    pub labels: Slice<'a>,
    /// f32, the planes [`PLANES`].
    pub result: Slice<'a>,
}

/// The upstream gradients among the `rows` of `backward`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Where the first plane of [`UPSTREAM`](bellwether_core::sig::token_rows::UPSTREAM) begins, present or not.
    pub offset: usize,
    /// Elements from one plane to the next.
    pub stride: usize,
    /// Bit `i`: plane `i` is there. An absent one counts as 0.
    pub mask: u32,
}

impl Upstream {
    /// Gradients by the log-probabilities alone, which begin at `offset`.
    #[must_use]
    pub const fn logp(offset: usize) -> Self {
        Self { offset, stride: 0, mask: 1 << LOGP }
    }
}

/// Buffers of `backward`.
#[derive(Clone, Copy, Debug)]
pub struct TokenBackward<'a> {
    /// As in [`TokenForward`].
    pub logits: Slice<'a>,
    /// The planes of `forward` and the upstream gradients.
    pub rows: Slice<'a>,
    /// As in [`TokenForward`].
    pub labels: Slice<'a>,
    /// f32 `[n, v]`, overwritten.
    pub d_logits: Slice<'a>,
    /// Where plane 0 of `forward` begins in `rows`; its planes are `result_stride` apart.
    pub saved: usize,
    /// Where the upstream gradients are.
    pub upstream: Upstream,
}

/// The labels' rules as the kernels read them.
pub(crate) struct LabelWords {
    pub(crate) seq_len: u32,
    pub(crate) shift: u32,
    pub(crate) ignore_index: u32,
}

impl TokenShape {
    /// Labels: one per row, whole sequences where a row is scored by the next label.
    pub(crate) fn check(&self, op: &'static str, labels: &Slice<'_>) -> Result<LabelWords, Error> {
        let (n, rules) = (self.n, &self.labels);
        labels.holds(op, "labels", n as u64)?;
        if rules.shift == Shift::Next && !n.is_multiple_of(rules.seq_len) {
            let whole = n.checked_next_multiple_of(rules.seq_len.max(1)).unwrap_or(n);
            return Err(Error::ShapeMismatch { op, arg: "labels", expected: whole as u64, given: n as u64 });
        }
        let seq_len = index(op, "seq_len", rules.seq_len as u64)?;
        let (shift, ignore_index) = (rules.distance(), rules.ignore_index.cast_unsigned());
        Ok(LabelWords { seq_len, shift, ignore_index })
    }

    /// Offset and stride of the planes of `forward`, which must lie in `slice`.
    pub(super) fn planes(
        &self,
        op: &'static str,
        arg: &'static str,
        offset: usize,
        slice: &Slice<'_>,
    ) -> Result<(u32, u32), Error> {
        let at = Plane { offset, stride: self.result_stride };
        planes(op, arg, PLANES.len(), self.n as u64, at, slice)
    }
}
