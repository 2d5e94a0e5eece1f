//! Problems of the signature ReverseScan.

use bellwether_core::Error;
use bellwether_core::sig::Reduction;
use bellwether_core::sig::reverse_scan::{Order, result as names};
use bellwether_core::sig::segment_stats::Segments;
use bellwether_cpu_ref::reverse_scan::{ScanInputs, ScanRow, reverse_scan};

use super::layout::{Layout, turn, views};
use super::{Compute, Number, Outputs, RunError, inputs, planes, zeros};
use crate::rig::Rig;

/// Where the steps of each row are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rows {
    /// Rows of one length, of which not all steps need count.
    Padded {
        /// How many.
        rows: usize,
        /// Steps of each, padding counted.
        len: usize,
        /// Their own lengths; `None`: `len`.
        lengths: Option<Vec<u32>>,
    },
    /// One behind another.
    Packed(
        /// One more than there are rows.
        Vec<u32>,
    ),
}

impl Rows {
    /// The shape of every array.
    pub fn shape(&self) -> (usize, usize) {
        match self {
            Self::Padded { rows, len, .. } => (*rows, *len),
            Self::Packed(offsets) => (1, offsets.last().map_or(0, |&end| end as usize)),
        }
    }

    fn segments(&self) -> Segments<'_> {
        match self {
            &Self::Padded { rows: count, len, .. } => Segments::Padded { count, len },
            Self::Packed(offsets) => Segments::Packed { offsets },
        }
    }

    /// Lengths, or offsets.
    pub(crate) fn words(&self) -> &[u32] {
        match self {
            Self::Padded { lengths, .. } => lengths.as_deref().unwrap_or_default(),
            Self::Packed(offsets) => offsets,
        }
    }
}

/// Arrays of numbers per step.
#[derive(Clone, Debug)]
pub struct ScanProblem<O> {
    /// The operator.
    pub op: O,
    /// The rows.
    pub rows: Rows,
    /// The operator's inputs.
    pub inputs: Vec<Vec<f64>>,
    /// Its constants.
    pub constants: Vec<Vec<f64>>,
    /// Which steps count; `None`: all.
    pub mask: Option<Vec<u32>>,
    /// Upstream gradients of the first output; `None`: 1.
    pub upstream: Option<Vec<f64>>,
    /// What gradients are multiplied by.
    pub reduction: Reduction,
    /// Whether there are gradients.
    pub gradients: bool,
    /// How the arrays lie in memory.
    pub layout: Layout,
}

impl<O: ScanRow> ScanProblem<O> {
    /// The names of the result's planes.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        names(&O::PLANES, self.gradients).collect()
    }

    /// How results lie: as the arrays do.
    pub(crate) fn order(&self) -> Order {
        if self.layout == Layout::TimeMajor { Order::TimeMajor } else { Order::BatchMajor }
    }

    /// The planes of a result, rows first.
    fn outputs<T: Copy>(&self, result: &[T]) -> Outputs<T> {
        let mut outputs = planes(&self.names(), result);
        if let (Order::TimeMajor, Rows::Padded { rows, len, .. }) = (self.order(), &self.rows) {
            outputs.iter_mut().for_each(|o| o.data = turn(&o.data, *len, *rows));
        }
        outputs
    }

    /// Constants and, behind them, upstream gradients.
    pub(crate) fn constants_and_upstream(&self) -> impl Iterator<Item = &Vec<f64>> {
        self.constants.iter().chain(&self.upstream)
    }
}

impl<O: ScanRow> Compute for ScanProblem<O> {
    fn op(&self) -> &'static str {
        O::SPEC.slug
    }

    fn cpu<T: Number>(&self) -> Result<Outputs<T>, Error> {
        let (shape, gap) = (self.rows.shape(), T::input(f64::NAN));
        let scalars =
            |arrays: &mut dyn Iterator<Item = &Vec<f64>>| arrays.map(|x| inputs::<T>(x)).collect::<Vec<_>>();
        let (x, c) = (scalars(&mut self.inputs.iter()), scalars(&mut self.constants_and_upstream()));
        let (x, x_at) = self.layout.place_constants(&x, shape, gap);
        let (c, c_at) = self.layout.place_constants(&c, shape, gap);
        let (mask, mask_at) = self.layout.place(self.mask.as_slice(), shape, 1);
        let (x, c) = (views(&x, &x_at), views(&c, &c_at));
        let (constants, upstream) = c.split_at(self.constants.len());
        let lengths = match &self.rows {
            Rows::Padded { lengths, .. } => lengths.as_deref(),
            Rows::Packed(_) => None,
        };
        let scan = ScanInputs {
            rows: self.rows.segments(),
            lengths,
            mask: views(&mask, &mask_at).pop(),
            upstream: upstream.first().copied(),
            gradients: self.gradients,
            order: self.order(),
            ..ScanInputs::new(shape, &x, constants)
        };
        let mut result = zeros(self.names().len() * shape.0 * shape.1);
        reverse_scan(&self.op, &scan, self.reduction, &mut result)?;
        Ok(self.outputs(&result))
    }

    fn gpu(&self, rig: &Rig) -> Result<Outputs<f32>, RunError> {
        Ok(self.outputs(&rig.reverse_scan(self)?))
    }
}
