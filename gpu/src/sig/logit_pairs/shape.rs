//! Shapes and buffers of LogitPairs.

use bellwether_core::Storage;
use bellwether_core::sig::logit_pairs::{PLANES, PairLayout};
use bellwether_core::sig::token_rows::Labels;

use crate::error::Error;
use crate::sig::token_rows::{LabelWords, TokenShape, Upstream, matrix};
use crate::slice::{Limits, Matrix, Plane, Slice, planes};

/// Sizes and strides, in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogitPairShape {
    /// Rows.
    pub n: usize,
    /// Sizes, strides and label rules of both matrices of logits.
    pub layout: PairLayout,
    /// Where in the array of labels the label of row 0 stands.
    pub labels_offset: usize,
    /// Where in the array of labels a mask begins, a word per row; 0 leaves the row out.
    pub mask: Option<usize>,
    /// From one plane of the forward result to the next; at least `n`.
    pub result_stride: usize,
    /// From one row of gradients to the next; at least `v`.
    pub gradient_stride: usize,
}

impl LogitPairShape {
    /// Everything without gaps, no mask.
    #[must_use]
    pub const fn packed(n: usize, v: usize, labels: Labels) -> Self {
        let layout = PairLayout::packed(v, labels);
        Self { n, layout, labels_offset: 0, mask: None, result_stride: n, gradient_stride: v }
    }
}

/// Buffers of `forward`.
#[derive(Clone, Copy, Debug)]
pub struct LogitPairForward<'a> {
    /// `[n, v]`, stored as the plan's dialect says: the policy's.
    pub logits: Slice<'a>,
    /// `[n, v]`, stored alike: the reference's.
    pub ref_logits: Slice<'a>,
    /// i32 `[n]`, and the mask where the shape has one.
    pub labels: Slice<'a>,
    /// f32, the operator's ten planes.
    pub result: Slice<'a>,
}

/// Buffers of `backward`.
#[derive(Clone, Copy, Debug)]
pub struct LogitPairBackward<'a> {
    /// As in [`LogitPairForward`].
    pub logits: Slice<'a>,
    /// As in [`LogitPairForward`].
    pub ref_logits: Slice<'a>,
    /// The planes of `forward` and the upstream gradients.
    pub rows: Slice<'a>,
    /// As in [`LogitPairForward`].
    pub labels: Slice<'a>,
    /// `[n, v]`, stored as the logits are; overwritten.
    pub d_logits: Slice<'a>,
    /// Where plane 0 of `forward` begins in `rows`; its planes are `result_stride` apart.
    pub saved: usize,
    /// Where the upstream gradients are, in the order of the operator's `UPSTREAM`.
    pub upstream: Upstream,
}

/// Buffers of `backward` in place.
#[derive(Clone, Copy, Debug)]
pub struct LogitPairOver<'a> {
    /// `[n, v]`: the logits that the gradient is by, and the gradient afterwards.
    pub logits: Slice<'a>,
    /// `[n, v]`: the other logits, the reference's where the gradient is by the policy's.
    pub other: Slice<'a>,
    /// As in [`LogitPairBackward`].
    pub rows: Slice<'a>,
    /// As in [`LogitPairForward`].
    pub labels: Slice<'a>,
    /// Where plane 0 of `forward` begins in `rows`.
    pub saved: usize,
    /// Where the upstream gradients are.
    pub upstream: Upstream,
}

impl LogitPairShape {
    /// The labels' rules as the kernels read them.
    pub(super) fn labels(&self, op: &'static str, labels: &Slice<'_>) -> Result<LabelWords, Error> {
        let (labels_offset, mask) = (self.labels_offset, self.mask);
        let plain = TokenShape::packed(self.n, self.layout.v, self.layout.rules);
        TokenShape { labels_offset, mask, ..plain }.check(op, labels)
    }

    /// The checked matrices of logits.
    pub(super) fn matrices<'a>(
        &self,
        op: &'static str,
        limits: &Limits,
        rows: u64,
        [logits, ref_logits]: [Slice<'a>; 2],
        storage: Storage,
    ) -> Result<[Matrix<'a>; 2], Error> {
        let PairLayout { v, stride, ref_stride, .. } = self.layout;
        let of = |arg, slice, stride| matrix((op, arg), limits, (rows, v, stride), slice, storage);
        Ok([of("logits", logits, stride)?, of("ref_logits", ref_logits, ref_stride)?])
    }

    /// Offset and stride of the planes of `forward`, which must lie in `slice`.
    pub(super) fn planes(
        &self,
        op: &'static str,
        arg: &'static str,
        offset: usize,
        slice: &Slice<'_>,
    ) -> Result<(u32, u32), Error> {
        planes(op, arg, PLANES, self.n as u64, Plane { offset, stride: self.result_stride }, slice)
    }
}
