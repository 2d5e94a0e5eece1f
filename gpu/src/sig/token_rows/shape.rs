//! Shapes and buffers of TokenRows.

use bellwether_core::sig::token_rows::{
    LOGP, Labels, MOST_COLUMNS, NO_MASK, PART, PLANES, STATE, Shift, UPSTREAM,
};

use crate::error::{Error, index, product};
use crate::slice::{ELEMENT, Plane, Slice, planes};

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
    /// Where in the array of labels the label of row 0 stands.
    pub labels_offset: usize,
    /// Where in the array of labels a mask begins, a word per row; 0 leaves the row out.
    pub mask: Option<usize>,
    /// Where plane 0 of a forward result begins in its array.
    pub result_offset: usize,
    /// Columns before the first: which shard of the vocabulary the logits are. 0 where they are all of it.
    pub column_base: usize,
}

/// How many planes an operator on rows of logits has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    /// Of its result.
    pub(crate) result: usize,
    /// Of the state of a part.
    pub(crate) state: usize,
    /// Arrays of upstream gradients: bits of their mask.
    pub(crate) upstream: usize,
    /// Planes of the last of these; the others have one.
    pub(crate) last: usize,
}

impl Counts {
    /// Of TokenRows.
    pub(crate) const TOKEN: Self =
        Self { result: PLANES.len(), state: STATE.len(), upstream: UPSTREAM.len(), last: 1 };
}

/// Rows from which on a workgroup per row keeps a device busy.
const MANY_ROWS: usize = 256;

impl TokenShape {
    /// Everything without gaps, no mask, the whole vocabulary.
    #[must_use]
    pub const fn packed(n: usize, v: usize, labels: Labels) -> Self {
        Self {
            n,
            v,
            logits_stride: v,
            result_stride: n,
            gradient_stride: v,
            labels,
            labels_offset: 0,
            mask: None,
            result_offset: 0,
            column_base: 0,
        }
    }

    /// Into how many parts a row is cut where there are few of them: 1 where there are many, or they are short.
    #[must_use]
    pub const fn parts(&self) -> usize {
        if self.n < MANY_ROWS && self.v > PART { self.v.div_ceil(PART) } else { 1 }
    }

    /// Bytes of scratch for `forward`; 0 where rows are not cut.
    ///
    /// # Errors
    /// [`Error::SizeOverflow`].
    pub fn scratch_bytes(&self, op: &'static str) -> Result<u64, Error> {
        self.scratch_for(op, Counts::TOKEN)
    }

    /// The same of an operator with states of its own.
    pub(crate) fn scratch_for(&self, op: &'static str, counts: Counts) -> Result<u64, Error> {
        if self.parts() == 1 {
            return Ok(0);
        }
        let states = product(op, "scratch", self.n as u64, self.parts() as u64)?;
        product(op, "scratch", states, counts.state as u64 * ELEMENT)
    }
}

/// Buffers of `forward`.
#[derive(Clone, Copy, Debug)]
pub struct TokenForward<'a> {
    /// `[n, v]`, stored as the plan's dialect says.
    pub logits: Slice<'a>,
    /// i32 `[n]`, and the mask where the shape has one.
    pub labels: Slice<'a>,
    /// f32, the planes [`PLANES`].
    pub result: Slice<'a>,
    /// [`TokenShape::scratch_bytes`], where few rows with many columns shall keep a device busy. Without it the results
    /// are the same bits.
    pub scratch: Option<Slice<'a>>,
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
    /// `[n, v]`, stored as the logits are; overwritten.
    pub d_logits: Slice<'a>,
    /// Where plane 0 of `forward` begins in `rows`; its planes are `result_stride` apart.
    pub saved: usize,
    /// Where the upstream gradients are.
    pub upstream: Upstream,
}

/// Buffers of `partial`.
#[derive(Clone, Copy, Debug)]
pub struct TokenPartial<'a> {
    /// The shard's logits `[n, v]`, stored as the plan's dialect says.
    pub logits: Slice<'a>,
    /// As in [`TokenForward`]; labels count from the vocabulary's first token.
    pub labels: Slice<'a>,
    /// f32, the planes [`STATE`] of `n` elements each.
    pub states: Slice<'a>,
}

/// Buffers of `finish`.
#[derive(Clone, Copy, Debug)]
pub struct TokenFinish<'a> {
    /// The states of all shards.
    pub states: Slice<'a>,
    /// As in [`TokenForward`].
    pub labels: Slice<'a>,
    /// f32, the planes [`PLANES`].
    pub result: Slice<'a>,
    /// Elements from one plane of states to the next: `n` where shards stand one behind the other.
    pub plane_stride: usize,
    /// Elements from one shard's states to the next's: `9 n` where shards stand one behind the other.
    pub shard_stride: usize,
}

/// Buffers of `backward` in place.
#[derive(Clone, Copy, Debug)]
pub struct TokenOver<'a> {
    /// `[n, v]`: logits before, their gradients afterwards.
    pub logits: Slice<'a>,
    /// The planes of `forward` and the upstream gradients.
    pub rows: Slice<'a>,
    /// As in [`TokenForward`].
    pub labels: Slice<'a>,
    /// Where plane 0 of `forward` begins in `rows`.
    pub saved: usize,
    /// Where the upstream gradients are.
    pub upstream: Upstream,
}

/// Buffers of `step`.
#[derive(Clone, Copy, Debug)]
pub struct TokenStep<'a> {
    /// `[n, v]`: logits before, their gradients afterwards.
    pub logits: Slice<'a>,
    /// The upstream gradients.
    pub rows: Slice<'a>,
    /// As in [`TokenForward`].
    pub labels: Slice<'a>,
    /// f32, the planes [`PLANES`].
    pub planes: Slice<'a>,
    /// Where in `rows` the upstream gradients are.
    pub upstream: Upstream,
}

/// The labels' rules as the kernels read them.
pub(crate) struct LabelWords {
    pub(crate) labels_offset: u32,
    pub(crate) seq_len: u32,
    pub(crate) shift: u32,
    pub(crate) ignore_index: u32,
    pub(crate) mask_offset: u32,
}

impl TokenShape {
    /// Labels: one per row, whole sequences where a row is scored by the next label.
    pub(crate) fn check(&self, op: &'static str, labels: &Slice<'_>) -> Result<LabelWords, Error> {
        let (n, rules) = (self.n, &self.labels);
        let labels_offset = Plane::at(self.labels_offset).words(op, "labels", n as u64, labels)?.0;
        let most = MOST_COLUMNS;
        if self.v > most || self.column_base > most - self.v {
            let given = (self.column_base as u64).saturating_add(self.v as u64);
            return Err(Error::ShapeMismatch { op, arg: "v", expected: most as u64, given });
        }
        if rules.shift == Shift::Next && !n.is_multiple_of(rules.seq_len) {
            let whole = n.checked_next_multiple_of(rules.seq_len.max(1)).unwrap_or(n);
            return Err(Error::ShapeMismatch { op, arg: "labels", expected: whole as u64, given: n as u64 });
        }
        let seq_len = index(op, "seq_len", rules.seq_len as u64)?;
        let (shift, ignore_index) = (rules.distance(), rules.ignore_index.cast_unsigned());
        let mask_offset = match self.mask {
            None => NO_MASK,
            Some(offset) => Plane::at(offset).words(op, "mask", n as u64, labels)?.0,
        };
        Ok(LabelWords { labels_offset, seq_len, shift, ignore_index, mask_offset })
    }

    /// Offset and stride of the planes of `forward`, which must lie in `slice`.
    pub(super) fn planes(
        &self,
        (op, arg): (&'static str, &'static str),
        count: usize,
        offset: usize,
        slice: &Slice<'_>,
    ) -> Result<(u32, u32), Error> {
        let at = Plane { offset, stride: self.result_stride };
        planes(op, arg, count, self.n as u64, at, slice)
    }
}
