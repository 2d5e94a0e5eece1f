//! Shapes and buffers of FusedLinear.

use bellwether_core::sig::token_rows::Labels;

use super::OP;
use crate::error::{Error, product};
use crate::sig::product::TERMS;
use crate::sig::token_rows::{TokenShape, Upstream};
use crate::slice::{ELEMENT, Slice};

/// Sizes, in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FusedShape {
    /// Rows.
    pub n: usize,
    /// Logits per row: rows of the weight.
    pub v: usize,
    /// Hidden size.
    pub h: usize,
    /// Rows whose logits stand in memory at once: a multiple of 256. Results do not depend on it. A binding must hold
    /// 256 rows of logits for `backward` (or all, where there are fewer).
    pub chunk: usize,
    /// From one plane of the forward result to the next.
    pub result_stride: usize,
    /// Which label scores which row.
    pub labels: Labels,
}

/// Buffers of `forward`.
#[derive(Clone, Copy, Debug)]
pub struct FusedForward<'a> {
    /// f32 `[n, h]`.
    pub hidden: Slice<'a>,
    /// f32 `[v, h]`.
    pub weight: Slice<'a>,
    /// i32 `[n]`.
    pub labels: Slice<'a>,
    /// [`FusedShape::scratch_bytes`]; content does not matter before or after.
    pub scratch: Slice<'a>,
    /// f32, the planes of TokenRows.
    pub result: Slice<'a>,
}

/// Buffers of `backward`.
#[derive(Clone, Copy, Debug)]
pub struct FusedBackward<'a> {
    /// As in [`FusedForward`].
    pub hidden: Slice<'a>,
    /// As in [`FusedForward`].
    pub weight: Slice<'a>,
    /// As in [`FusedForward`].
    pub labels: Slice<'a>,
    /// The planes of `forward` and the upstream gradients.
    pub rows: Slice<'a>,
    /// As in [`FusedForward`].
    pub scratch: Slice<'a>,
    /// f32 `[n, h]`, overwritten.
    pub d_hidden: Slice<'a>,
    /// f32 `[v, h]`, overwritten.
    pub d_weight: Slice<'a>,
    /// Where plane 0 of `forward` begins in `rows`.
    pub saved: usize,
    /// Where the upstream gradients are.
    pub upstream: Upstream,
}

impl FusedShape {
    /// Everything without gaps.
    #[must_use]
    pub const fn packed(n: usize, v: usize, h: usize, chunk: usize, labels: Labels) -> Self {
        Self { n, v, h, chunk, result_stride: n, labels }
    }

    /// A chunk that suits most devices: 256 MiB of scratch at most where 256 rows need no more.
    #[must_use]
    pub fn usual_chunk(n: usize, v: usize) -> usize {
        let step = TERMS as usize;
        let most = (1 << 28) / (2 * ELEMENT as usize) / v.max(1);
        (most - most % step).max(step).min(n.checked_next_multiple_of(step).unwrap_or(step)).max(step)
    }

    /// Bytes of scratch that the caller lends: logits and their gradient, `[chunk, v]` each.
    ///
    /// # Errors
    /// A chunk that is no multiple of 256; [`Error::SizeOverflow`].
    pub fn scratch_bytes(&self) -> Result<u64, Error> {
        product(OP, "scratch", 2 * ELEMENT, self.half()?)
    }

    /// Elements of one half of the scratch.
    pub(super) fn half(&self) -> Result<u64, Error> {
        if self.chunk == 0 || !(self.chunk as u64).is_multiple_of(TERMS) {
            return Err(Error::Misaligned { op: OP, arg: "chunk", given: self.chunk as u64, align: TERMS });
        }
        product(OP, "scratch", self.chunk as u64, self.v as u64)
    }

    pub(super) fn check(&self, scratch: &Slice<'_>) -> Result<(), Error> {
        for (arg, size) in [("v", self.v), ("h", self.h)] {
            if size == 0 {
                return Err(Error::ShapeMismatch { op: OP, arg, expected: 1, given: 0 });
            }
        }
        scratch.holds(OP, "scratch", self.scratch_bytes()? / ELEMENT)
    }

    /// The same rows as the kernels on logits see them.
    pub(super) const fn token(&self) -> TokenShape {
        let strides = TokenShape::packed(self.n, self.v, self.labels);
        TokenShape { result_stride: self.result_stride, ..strides }
    }
}
