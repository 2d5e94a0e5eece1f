//! Driver of the signature SegmentStats.

use bellwether_core::sig::Reduction;
use bellwether_core::sig::segment_stats::{Keep, PLANES, Segments, check_offsets};
use bellwether_core::{Error, status};

pub use crate::logprob::SegmentOp;
use crate::rows::{Scalar, exactly, fill_planes, finite, product};

/// Values, the segments they fall into, and which of them count.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a, T> {
    /// One value per element.
    pub values: &'a [T],
    /// Where segments begin and end.
    pub segments: Segments<'a>,
    /// Which elements are kept.
    pub keep: Keep<'a>,
}

impl<'a, T: Scalar> Values<'a, T> {
    /// The indices of the kept elements of segment `s`.
    fn kept(&self, s: usize) -> impl Iterator<Item = usize> + 'a {
        let (range, keep) = (self.segments.range(s), self.keep);
        range.clone().filter(move |&i| keep.keeps(i, range.end))
    }

    fn count(&self, s: usize) -> usize {
        self.kept(s).count()
    }

    /// Shapes and offsets.
    fn check_shape(&self, op: &'static str) -> Result<(), Error> {
        let elements = self.values.len();
        match self.segments {
            Segments::Padded { count, len } => {
                exactly(op, "values", self.values, product(op, "values", count, len)?)?;
            }
            Segments::Packed { offsets } => check_offsets(op, offsets, elements)?,
        }
        match self.keep {
            Keep::All => Ok(()),
            Keep::Masked { mask } => exactly(op, "mask", mask, elements),
            Keep::Labelled { labels, .. } => exactly(op, "labels", labels, elements),
        }
    }

    /// Shapes and kept values.
    fn check(&self, op: &'static str) -> Result<(), Error> {
        self.check_shape(op)?;
        (0..self.segments.count()).try_for_each(|s| {
            self.kept(s).try_for_each(|i| finite(op, "values", (s, i), self.values[i].value()))
        })
    }
}

/// The statistic of every segment: planes [`PLANES`] of one element per segment.
///
/// # Errors
/// Shapes that disagree, falling offsets, NaN or infinity among the kept values; `result` is then untouched.
pub fn segment_stats<O: SegmentOp, T: Scalar>(
    op: &O,
    x: &Values<'_, T>,
    reduction: Reduction,
    result: &mut [T],
) -> Result<(), Error> {
    let (slug, count) = (O::SPEC.slug, x.segments.count());
    reduction.check(slug)?;
    // First: of segments without elements there may be a number that no loop ends at.
    exactly(slug, "result", result, product(slug, "result", PLANES.len(), count)?)?;
    x.check(slug)?;
    let scale = T::lift(reduction.scale());
    fill_planes(count, result, |s| {
        if x.count(s) == 0 {
            return [T::zero(), T::zero(), T::lift(status::EMPTY_SEGMENT.into())];
        }
        let kept = T::lift(x.count(s) as f64);
        let sum = T::total(x.kept(s).map(|i| x.values[i]));
        [scale * op.value(sum, kept), kept, T::zero()]
    });
    Ok(())
}

/// Gradient by every value: `upstream` of its segment times the statistic's slope; zero where not kept.
///
/// # Errors
/// As [`segment_stats`], but values are not looked at; `d_values` is then untouched.
pub fn segment_stats_backward<O: SegmentOp, T: Scalar>(
    op: &O,
    x: &Values<'_, T>,
    reduction: Reduction,
    upstream: &[T],
    d_values: &mut [T],
) -> Result<(), Error> {
    let slug = O::SPEC.slug;
    reduction.check(slug)?;
    x.check_shape(slug)?;
    exactly(slug, "upstream", upstream, x.segments.count())?;
    exactly(slug, "d_values", d_values, x.values.len())?;
    d_values.fill(T::zero());
    for (s, &up) in upstream.iter().enumerate() {
        let slope = T::lift(reduction.scale()) * op.slope(T::lift(x.count(s) as f64));
        for i in x.kept(s) {
            d_values[i] = up * slope;
        }
    }
    Ok(())
}
