//! SegmentStats: values per element, segments of elements, one result per segment.
//!
//! | role | array | shape |
//! |---|---|---|
//! | differentiable | `values` | `[elements]`, any stride |
//! | words | `keep` (mask or labels), `offsets` | `[elements]`, `[segments + 1]` |
//! | result of `forward` | planes [`PLANES`] | `[3, segments]` |
//! | result of `backward` | `d_values` | `[elements]` |
//!
//! Segments are rows of a padded `[segments, len]` array, or packed: `offsets[s]..offsets[s + 1]`. An element is kept
//! when its word differs from `ignore`: 0 for a 0/1 mask, `ignore_index` for labels. What is not kept is not read and
//! gets gradient 0. `backward` writes where `values_offset`, `segment_stride` and `values_stride` of its arguments say.
//! A kernel that meets a NaN or an infinity among the kept values gives NaN for that segment. A segment that keeps nothing has value 0 and is flagged in the status.

use super::args::args;
use super::token_rows::{Labels, Shift};
use crate::Error;

/// The planes of the forward result.
pub const PLANES: [&str; 3] = ["value", "count", "status"];
/// Plane of the sum or mean.
pub const VALUE: usize = 0;
/// Plane of the number of kept elements.
pub const COUNT: usize = 1;
/// Plane of the [status](crate::status).
pub const STATUS: usize = 2;

/// Where segments begin and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segments<'a> {
    /// `count` segments of `len` elements each, one behind another.
    Padded {
        /// How many segments.
        count: usize,
        /// Elements of each.
        len: usize,
    },
    /// Segment `s` is `offsets[s]..offsets[s + 1]`.
    Packed {
        /// One more than there are segments; never falling.
        offsets: &'a [u32],
    },
}

impl Segments<'_> {
    /// How many segments there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        match self {
            Self::Padded { count, .. } => *count,
            Self::Packed { offsets } => offsets.len().saturating_sub(1),
        }
    }

    /// The elements of segment `s`.
    #[must_use]
    pub fn range(&self, s: usize) -> core::ops::Range<usize> {
        match self {
            Self::Padded { len, .. } => s * len..(s + 1) * len,
            Self::Packed { offsets } => offsets[s] as usize..offsets[s + 1] as usize,
        }
    }
}

/// Which elements are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep<'a> {
    /// Every one.
    All,
    /// Those whose label is counted, by the rules of [`Labels`].
    Labelled {
        /// The labels, one per element.
        labels: &'a [i32],
        /// Their rules; `seq_len` is the segments' own here.
        rules: Labels,
    },
    /// Those whose word is not 0.
    Masked {
        /// One word per element.
        mask: &'a [u32],
    },
}

impl Keep<'_> {
    /// Whether element `i` of a segment that ends at `end` is kept.
    #[must_use]
    pub fn keeps(&self, i: usize, end: usize) -> bool {
        match self {
            Self::All => true,
            Self::Masked { mask } => mask[i] != 0,
            Self::Labelled { labels, rules } => match rules.shift {
                Shift::Aligned => labels[i] != rules.ignore_index,
                Shift::Next => i + 1 < end && labels[i + 1] != rules.ignore_index,
            },
        }
    }
}

/// Offsets of packed segments (`cu_seqlens`) begin at 0, never fall, and end at the number of elements.
///
/// # Errors
/// [`Error::IndexOutOfRange`] names the first offset that is wrong, [`Error::ShapeMismatch`] an end that is.
pub fn check_offsets(op: &'static str, offsets: &[u32], elements: usize) -> Result<(), Error> {
    let mut previous = 0;
    for (row, &offset) in offsets.iter().enumerate() {
        let given = offset as usize;
        if given < previous || given > elements || (row == 0 && given != 0) {
            let bound = elements + 1;
            return Err(Error::IndexOutOfRange { op, arg: "offsets", row, index: offset.into(), bound });
        }
        previous = given;
    }
    if previous == elements {
        Ok(())
    } else {
        Err(Error::ShapeMismatch { op, arg: "values", expected: previous, given: elements })
    }
}

args! {
    /// Arguments of `forward` and `backward`.
    SegmentArgs {
        /// How many segments.
        segments: u32,
        /// Elements of a padded segment; 0: packed.
        len: u32,
        /// Elements from one padded segment to the next, in `values`.
        segment_stride: u32,
        /// Where element 0 stands in `values`.
        values_offset: u32,
        /// Elements from one value to the next.
        values_stride: u32,
        /// Where element 0's word stands.
        keep_offset: u32,
        /// 1: an element's word decides whether it is kept; 0: all are.
        keep: u32,
        /// The word of an element that is not kept.
        ignore: u32,
        /// How far behind its element a word stands (1 for labels that score the next token).
        shift: u32,
        /// Where the offsets of packed segments begin among the words.
        offsets_offset: u32,
        /// What the result is multiplied by: the reduction's scale, as f32 bits; also multiplies the gradient.
        scale: f32,
        /// `forward`: where plane 0 of the result begins. `backward`: where `forward`'s planes begin in `rows`.
        result_offset: u32,
        /// Elements from one plane to the next.
        result_stride: u32,
        /// `backward`: where the upstream gradient of each segment begins in `rows`.
        upstream_offset: u32,
        /// `backward`: elements from one upstream gradient to the next.
        upstream_stride: u32,
        /// Zero.
        pad0: u32,
    }
}
