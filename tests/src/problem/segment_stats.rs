//! Problems of the signature SegmentStats.

use bellwether_core::Error;
use bellwether_core::sig::Reduction;
use bellwether_core::sig::segment_stats::{Keep, PLANES, Segments};
use bellwether_core::sig::token_rows::Labels;
use bellwether_cpu_ref::segment_stats::{SegmentOp, Values, segment_stats, segment_stats_backward};

use super::{Compute, Number, Output, Outputs, RunError, inputs, planes, singles, zeros};
use crate::rig::Rig;

/// Where segments begin and end, owned.
#[derive(Clone, Debug)]
pub enum SegmentsBy {
    /// `count` segments of `len`.
    Padded(usize, usize),
    /// `offsets`.
    Packed(Vec<u32>),
}

/// Which elements are kept, owned.
#[derive(Clone, Debug)]
pub enum KeepBy {
    /// All.
    All,
    /// Where the mask is not 0.
    Mask(Vec<u32>),
    /// Where the label counts.
    Labels(Vec<i32>, Labels),
}

impl SegmentsBy {
    /// As the drivers take it.
    pub fn borrow(&self) -> Segments<'_> {
        match self {
            Self::Padded(count, len) => Segments::Padded { count: *count, len: *len },
            Self::Packed(offsets) => Segments::Packed { offsets },
        }
    }
}

impl KeepBy {
    /// As the drivers take it.
    pub fn borrow(&self) -> Keep<'_> {
        match self {
            Self::All => Keep::All,
            Self::Mask(mask) => Keep::Masked { mask },
            Self::Labels(labels, rules) => Keep::Labelled { labels, rules: *rules },
        }
    }
}

/// Values, segments and upstream gradients.
#[derive(Clone, Debug)]
pub struct SegmentProblem<O> {
    /// The operator.
    pub op: O,
    /// One per element.
    pub values: Vec<f64>,
    /// Where they belong.
    pub segments: SegmentsBy,
    /// Which of them count.
    pub keep: KeepBy,
    /// The scale.
    pub reduction: Reduction,
    /// One per segment.
    pub upstream: Vec<f64>,
}

impl<O> SegmentProblem<O> {
    /// Gradients per row of a report: those of a segment where all have the same number of elements and all count.
    const fn width(&self) -> usize {
        match (&self.segments, &self.keep) {
            (SegmentsBy::Padded(_, len), KeepBy::All) => *len,
            _ => 1,
        }
    }
}

impl<O: SegmentOp> Compute for SegmentProblem<O> {
    fn op(&self) -> &'static str {
        O::SPEC.slug
    }

    fn cpu<T: Number>(&self) -> Result<Outputs<T>, Error> {
        let (values, upstream) = (inputs::<T>(&self.values), inputs::<T>(&self.upstream));
        let x = Values { values: &values, segments: self.segments.borrow(), keep: self.keep.borrow() };
        let mut result = zeros(PLANES.len() * upstream.len());
        segment_stats(&self.op, &x, self.reduction, &mut result)?;
        let mut d_values = zeros(values.len());
        segment_stats_backward(&self.op, &x, self.reduction, &upstream, &mut d_values)?;
        let mut outputs = planes(&PLANES, &result);
        outputs.push(Output::new("d_values", self.width(), d_values));
        Ok(outputs)
    }

    fn gpu(&self, rig: &Rig) -> Result<Outputs<f32>, RunError> {
        let (result, d_values) = rig.segment_stats(
            &self.op,
            &singles(&self.values),
            self.segments.borrow(),
            self.keep.borrow(),
            self.reduction,
            &singles(&self.upstream),
        )?;
        let mut outputs = planes(&PLANES, &result);
        outputs.push(Output::new("d_values", self.width(), d_values));
        Ok(outputs)
    }
}
