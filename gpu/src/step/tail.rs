//! Length-desensitised steps: sums over the two parts of each response, weighted, and back.

use bellwether_core::op::word;

use super::{Recording, Region, StepTail};
use crate::error::Error;
use crate::sig::segment_stats::KeepWords;
use crate::sig::{Extent, SegmentShape};
use crate::slice::{Plane, Slice};

/// A part of each response as a segment of the array of parts: the first `len` of two.
const fn of_parts(len: usize) -> Extent {
    Extent::Padded { len, stride: 2 }
}

impl<'a> Recording<'a, '_> {
    /// Both parts of each response as segments of the tokens, kept by the tail's own words.
    fn parts(&self) -> SegmentShape {
        let n = self.layout.upstream.n;
        let keep = Some(KeepWords { offset: 0, ignore: 0, shift: 0 });
        SegmentShape {
            keep,
            result: Plane { offset: 0, stride: self.layout.parts.stride },
            ..SegmentShape::packed(self.layout.parts.n, n, n)
        }
    }

    /// Token log-probabilities → sums over responses, `α` of the whole and `1 − α` of what both responses of a pair have:
    /// terms of one sign, so nothing cancels.
    pub(super) fn weighted(
        &mut self,
        (values, from): (Slice<'a>, usize),
        tail: StepTail<'a>,
        to: Region,
    ) -> Result<(), Error> {
        let (work, layout, sum) = (self.buffers.workspace, self.layout, &self.plan.sum);
        let (parts, [whole, shared]) = (layout.parts.slice(work), layout.weighted);
        let shape = SegmentShape { values: Plane::at(from), ..self.parts() };
        sum.plan_forward(&shape, [values, tail.words, parts], &mut self.calls)?;
        let all = SegmentShape::padded(to.n, 1);
        for (region, len, weight) in [(whole, 2, tail.weight), (shared, 1, 1.0 - tail.weight)] {
            let (extent, scale) = (of_parts(len), f32::from_bits(word(weight)));
            let result = Plane { offset: 0, stride: region.stride };
            let shape = SegmentShape { extent, scale, result, ..all };
            sum.plan_forward(&shape, [parts, self.buffers.labels, region.slice(work)], &mut self.calls)?;
        }
        let shape = SegmentShape {
            extent: Extent::Padded { len: 2, stride: 1 },
            values: Plane { offset: 0, stride: shared.from(0, &whole) },
            result: Plane { offset: 0, stride: to.stride },
            ..all
        };
        let buffers = [whole.until(&shared, work), self.buffers.labels, to.slice(work)];
        sum.plan_forward(&shape, buffers, &mut self.calls)
    }

    /// The pairs' gradients → those of both parts → those of the token log-probabilities.
    pub(super) fn weighted_backward(
        &mut self,
        rows: Slice<'a>,
        upstream: Plane,
        tail: StepTail<'a>,
    ) -> Result<(), Error> {
        let (work, layout, sum) = (self.buffers.workspace, self.layout, &self.plan.sum);
        let all = SegmentShape {
            result: Plane { offset: 0, stride: layout.sequences.stride },
            upstream,
            ..SegmentShape::padded(layout.sequences.n, 1)
        };
        // First both parts, then the first of each once more.
        for (len, weight) in [(2, tail.weight), (1, 1.0)] {
            let shape = SegmentShape { extent: of_parts(len), scale: f32::from_bits(word(weight)), ..all };
            let buffers = [rows, self.buffers.labels, layout.d_parts.slice(work)];
            sum.plan_backward(&shape, buffers, &mut self.calls)?;
        }
        let upstream = Plane::at(layout.d_parts.from(0, &layout.parts));
        let shape = SegmentShape { upstream, ..self.parts() };
        let buffers = [layout.parts.until(&layout.d_parts, work), tail.words, self.head().d_logps()];
        sum.plan_backward(&shape, buffers, &mut self.calls)
    }
}
