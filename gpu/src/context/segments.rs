//! Sums and means of segments, slices in, vectors out.

use bellwether_core::Op;
use bellwether_core::sig::segment_stats::{Keep, PLANES, Segments};
use bellwether_shaders::Dialect;

use super::Context;
use super::ops::{Planes, exactly};
use crate::error::{Error, product};
use crate::sig::{KeepWords, SegmentBackward, SegmentForward, SegmentShape, SegmentStats};
use crate::slice::Slice;

/// Which elements form which segment, and which of them are kept.
#[derive(Clone, Copy, Debug)]
pub struct SegmentInputs<'a> {
    /// Where segments begin and end.
    pub segments: Segments<'a>,
    /// Which elements are kept.
    pub keep: Keep<'a>,
    /// Multiplies results and gradients.
    pub scale: f32,
}

impl Context {
    /// One sum or mean per segment: the planes [`PLANES`].
    ///
    /// # Errors
    /// Parameters, shapes, limits and the device: see [`Error`].
    pub async fn segments<O: Op>(
        &self,
        op: &O,
        inputs: &SegmentInputs<'_>,
        values: &[f32],
    ) -> Result<Planes, Error> {
        let plan = SegmentStats::compile_with(op, |source| self.kernel(source, Dialect::EXCLUSIVE))?;
        let (shape, words) = inputs.shape(O::SPEC.slug, values.len())?;
        if shape.segments == 0 {
            return Ok(Planes::default());
        }
        let values = self.upload_f32(values)?;
        let words = self.upload_u32(&words)?;
        let result = self.poisoned(planes_len(O::SPEC.slug, shape.segments)?)?;
        let buffers = SegmentForward {
            values: Slice::whole(&values),
            words: Some(Slice::whole(&words)),
            result: Slice::whole(&result),
        };
        self.run(&plan.forward(self.device(), &shape, &buffers)?).await?;
        self.planes(&result, PLANES.len(), shape.segments).await
    }

    /// Gradient by the `elements` values, from the planes that [`Context::segments`] gave; 0 outside of all segments.
    ///
    /// # Errors
    /// As [`Context::segments`].
    pub async fn segments_backward<O: Op>(
        &self,
        op: &O,
        inputs: &SegmentInputs<'_>,
        elements: usize,
        forward: &Planes,
        upstream: &[f32],
    ) -> Result<Vec<f32>, Error> {
        let plan = SegmentStats::compile_with(op, |source| self.kernel(source, Dialect::EXCLUSIVE))?;
        let (shape, words) = inputs.shape(O::SPEC.slug, elements)?;
        let n = shape.segments;
        exactly(O::SPEC.slug, "forward", planes_len(O::SPEC.slug, n)? as u64, forward.data.len())?;
        exactly(O::SPEC.slug, "upstream", n as u64, upstream.len())?;
        if n == 0 || elements == 0 {
            return Ok(vec![0.0; elements]);
        }
        let rows = self.upload_f32(&[&forward.data, upstream].concat())?;
        let words = self.upload_u32(&words)?;
        let d_values = self.poisoned(elements)?;
        let buffers = SegmentBackward {
            rows: Slice::whole(&rows),
            words: Some(Slice::whole(&words)),
            d_values: Slice::whole(&d_values),
        };
        self.run(&plan.backward(self.device(), &shape, &buffers)?).await?;
        let mut gradient = self.array(&d_values, elements).await?;
        let (first, last) = inputs.covered();
        gradient[..first.min(elements)].fill(0.0);
        gradient[last.min(elements)..].fill(0.0);
        Ok(gradient)
    }
}

impl SegmentInputs<'_> {
    /// From the first to behind the last element of all segments.
    fn covered(&self) -> (usize, usize) {
        match self.segments {
            Segments::Padded { count, len } => (0, count.saturating_mul(len)),
            Segments::Packed { offsets } => {
                let first = offsets.first().copied().unwrap_or_default();
                (first as usize, offsets.last().copied().unwrap_or_default() as usize)
            }
        }
    }

    /// The shape for a dense array of values, and the words: those that keep, then the offsets.
    fn shape(&self, op: &'static str, values: usize) -> Result<(SegmentShape, Vec<u32>), Error> {
        let elements = self.check(op, values)?;
        let (keep, mut words) = self.words(op, elements)?;
        let segments = self.segments.count();
        let shape = match self.segments {
            Segments::Padded { len, .. } => SegmentShape::padded(segments, len),
            Segments::Packed { offsets } => {
                let at = words.len();
                words.extend_from_slice(offsets);
                SegmentShape::packed(segments, at, elements)
            }
        };
        Ok((SegmentShape { keep, scale: self.scale, ..shape }, words))
    }

    /// Whether the values are those of the segments; how many words there must be.
    fn check(&self, op: &'static str, values: usize) -> Result<usize, Error> {
        match self.segments {
            Segments::Padded { count, len } => {
                exactly(op, "values", product(op, "values", count as u64, len as u64)?, values)?;
            }
            Segments::Packed { offsets } => {
                let falls = offsets.windows(2).position(|pair| pair[1] < pair[0]);
                let beyond = offsets.iter().position(|&offset| offset as usize > values);
                if let Some(row) = falls.map(|i| i + 1).or(beyond) {
                    let (arg, index, bound) = ("offsets", i64::from(offsets[row]), values + 1);
                    let error = bellwether_core::Error::IndexOutOfRange { op, arg, row, index, bound };
                    return Err(error.into());
                }
            }
        }
        Ok(self.covered().1)
    }

    fn words(&self, op: &'static str, elements: usize) -> Result<(Option<KeepWords>, Vec<u32>), Error> {
        let (words, keep) = match self.keep {
            Keep::All => return Ok((None, Vec::new())),
            Keep::Masked { mask } => (mask.to_vec(), KeepWords { offset: 0, ignore: 0, shift: 0 }),
            Keep::Labelled { labels, rules } => {
                let words = labels.iter().map(|label| label.cast_unsigned()).collect();
                (words, KeepWords::from(&rules))
            }
        };
        if words.len() < elements {
            let (expected, given) = (elements as u64, words.len() as u64);
            return Err(Error::ShapeMismatch { op, arg: "keep", expected, given });
        }
        Ok((Some(keep), words))
    }
}

/// Elements of the result of so many segments.
fn planes_len(op: &'static str, segments: usize) -> Result<usize, Error> {
    PLANES.len().checked_mul(segments).ok_or(Error::SizeOverflow { op, arg: "segments" })
}
