//! Shapes of SegmentStats.

use bellwether_core::sig::segment_stats::{PLANES, SegmentArgs};
use bellwether_core::sig::token_rows::Labels;

use crate::error::{Error, index, product};
use crate::slice::{Plane, Slice, planes};

/// Where segments begin and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Rows of an array.
    Padded {
        /// Elements of each.
        len: usize,
        /// Elements from the first value of one segment to that of the next.
        stride: usize,
    },
    /// Segment `s` is `offsets[s]..offsets[s + 1]`; the offsets stand among the words and are trusted.
    Packed {
        /// Where the offsets begin in the words.
        offsets: usize,
        /// Elements of all segments together.
        elements: usize,
    },
}

/// The words that say which elements are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepWords {
    /// Where element 0's word stands in the words.
    pub offset: usize,
    /// The word of an element that is not kept.
    pub ignore: u32,
    /// How far behind its element a word stands.
    pub shift: u32,
}

impl From<&Labels> for KeepWords {
    /// Elements are kept by labels that begin at word 0.
    fn from(rules: &Labels) -> Self {
        Self { offset: 0, ignore: rules.ignore_index.cast_unsigned(), shift: rules.distance() }
    }
}

fn holds(op: &'static str, len: usize) -> Result<(), Error> {
    if len <= SegmentShape::MOST_ELEMENTS {
        return Ok(());
    }
    let (need, have) = (len as u64, SegmentShape::MOST_ELEMENTS as u64);
    Err(Error::LimitTooSmall { op, arg: "segments", limit: "elements of one segment", need, have })
}

/// Where everything stands, in elements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SegmentShape {
    /// How many segments.
    pub segments: usize,
    /// Where they begin and end.
    pub extent: Extent,
    /// The values in `values`, or their gradients in `d_values`.
    pub values: Plane,
    /// Which elements are kept; `None`: all.
    pub keep: Option<KeepWords>,
    /// Multiplies results and gradients.
    pub scale: f32,
    /// Where plane 0 of the forward result begins (in `result`, or in `rows`), and the elements from one *plane* to
    /// the next (at least `segments`).
    pub result: Plane,
    /// `backward`: the upstream gradient of each segment, in `rows`.
    pub upstream: Plane,
}

impl SegmentShape {
    /// Elements that one segment may have: a lane takes one in 64 of them, and llvmpipe ends every loop, without a
    /// word, after 65,535 turns. The lengths of packed segments stand on the device, so theirs are the caller's to
    /// keep.
    pub const MOST_ELEMENTS: usize = 3 << 20;

    /// `segments` rows of `len` elements without gaps, all kept; upstream behind the forward planes.
    #[must_use]
    pub const fn padded(segments: usize, len: usize) -> Self {
        Self {
            segments,
            extent: Extent::Padded { len, stride: len },
            values: Plane::at(0),
            keep: None,
            scale: 1.0,
            result: Plane { offset: 0, stride: segments },
            upstream: Plane::at(segments.saturating_mul(PLANES.len())),
        }
    }

    /// Packed segments whose offsets begin at word `offsets`; all elements kept.
    #[must_use]
    pub const fn packed(segments: usize, offsets: usize, elements: usize) -> Self {
        Self { extent: Extent::Packed { offsets, elements }, ..Self::padded(segments, 0) }
    }
}

impl SegmentShape {
    /// The header of both kernels, checked against the slices of words, values and planes.
    pub(super) fn args(
        &self,
        op: &'static str,
        words: &Slice<'_>,
        values: (&'static str, &Slice<'_>),
        rows: (&'static str, &Slice<'_>),
    ) -> Result<SegmentArgs, Error> {
        let (name, slice) = values;
        let (values_offset, values_stride) = self.values_words(op, name, slice)?;
        let n = self.segments as u64;
        let (result_offset, result_stride) = planes(op, rows.0, PLANES.len(), n, self.result, rows.1)?;
        let mut args = SegmentArgs {
            segments: index(op, "segments", n)?,
            values_offset,
            values_stride,
            scale: self.scale,
            result_offset,
            result_stride,
            ..SegmentArgs::default()
        };
        self.keep_words(op, words, &mut args)?;
        self.extent_words(op, words, &mut args)?;
        Ok(args)
    }

    fn keep_words(&self, op: &'static str, words: &Slice<'_>, args: &mut SegmentArgs) -> Result<(), Error> {
        let Some(keep) = self.keep else { return Ok(()) };
        let (offset, _) = Plane::at(keep.offset).words(op, "words", self.elements(op)?, words)?;
        (args.keep, args.keep_offset, args.ignore, args.shift) = (1, offset, keep.ignore, keep.shift);
        Ok(())
    }

    fn extent_words(&self, op: &'static str, words: &Slice<'_>, args: &mut SegmentArgs) -> Result<(), Error> {
        match self.extent {
            // The kernel's `len = 0` means packed. One element whose word would stand behind the segment is an
            // empty segment too.
            Extent::Padded { len: 0, .. } => (args.len, args.keep, args.shift) = (1, 1, 1),
            Extent::Padded { len, stride } => {
                holds(op, len)?;
                args.segment_stride = index(op, "segments", stride as u64)?;
                args.len = index(op, "segments", len as u64)?;
            }
            Extent::Packed { offsets, elements } => {
                if self.segments == 1 {
                    holds(op, elements)?;
                }
                let count = self.segments as u64 + u64::from(self.segments > 0);
                (args.offsets_offset, _) = Plane::at(offsets).words(op, "offsets", count, words)?;
            }
        }
        Ok(())
    }

    /// Elements of all segments together.
    pub(super) fn elements(&self, op: &'static str) -> Result<u64, Error> {
        match self.extent {
            Extent::Padded { len, .. } => product(op, "segments", self.segments as u64, len as u64),
            Extent::Packed { elements, .. } => Ok(elements as u64),
        }
    }

    /// Checks the values' plane against the slice that holds it.
    fn values_words(
        &self,
        op: &'static str,
        arg: &'static str,
        slice: &Slice<'_>,
    ) -> Result<(u32, u32), Error> {
        let elements = self.elements(op)?;
        let (Extent::Padded { len, stride }, 1..) = (self.extent, elements) else {
            return self.values.words(op, arg, elements, slice);
        };
        let first = product(op, arg, self.segments as u64 - 1, stride as u64)?;
        let first = usize::try_from(first).ok().and_then(|first| first.checked_add(self.values.offset));
        let offset = first.ok_or(Error::SizeOverflow { op, arg })?;
        // The last segment reaches furthest.
        Plane { offset, ..self.values }.words(op, arg, len as u64, slice)?;
        self.values.words(op, arg, len as u64, slice)
    }
}
