//! Scans of sequences, slices in, vectors out.

use bellwether_core::sig::Reduction;
use bellwether_core::sig::reverse_scan::{ScanOp, result as names};
use bellwether_core::sig::segment_stats::{Segments, check_offsets};
use bellwether_shaders::Dialect;

use super::Context;
use super::ops::{Planes, exactly};
use crate::error::{Error, product};
use crate::sig::{ReverseScan, ScanBuffers, ScanShape, Steps};
use crate::slice::{Slice, View};

/// Arrays of one number per step, without gaps.
#[derive(Clone, Copy, Debug)]
pub struct ScanInputs<'a> {
    /// The rows: padded, or packed one behind another.
    pub rows: Segments<'a>,
    /// Steps of each padded row; `None`: all.
    pub lengths: Option<&'a [u32]>,
    /// The operator's inputs, in the order of [`ScanOp::PLANES`].
    pub inputs: &'a [&'a [f32]],
    /// Its constants.
    pub constants: &'a [&'a [f32]],
    /// Which steps count: those whose word is not 0. `None`: all.
    pub mask: Option<&'a [u32]>,
    /// The upstream gradient of each step's first output. `None`: 1.
    pub upstream: Option<&'a [f32]>,
    /// Whether the result has gradients.
    pub gradients: bool,
}

impl Context {
    /// Outputs of every step and, where asked for, gradients: the planes of
    /// [`result`](bellwether_core::sig::reverse_scan::result).
    ///
    /// # Errors
    /// As [`Context::token_rows`].
    pub async fn reverse_scan<O: ScanOp>(
        &self,
        op: &O,
        inputs: &ScanInputs<'_>,
        reduction: Reduction,
    ) -> Result<Planes, Error> {
        let plan = ReverseScan::compile_with(op, |source| self.kernel(source, Dialect::EXCLUSIVE))?;
        let n = inputs.check::<O>()?;
        reduction.check(O::SPEC.slug)?;
        if n == 0 {
            return Ok(Planes::default());
        }
        let mask = inputs.mask.unwrap_or_default();
        let shape = inputs.shape::<O>(n, mask.len(), reduction);
        let differentiable = self.upload_f32(&inputs.inputs.concat())?;
        let constants = [inputs.constants.concat(), inputs.upstream.unwrap_or_default().to_vec()].concat();
        let constants = self.upload_f32(&constants)?;
        let words = self.upload_u32(&[mask, inputs.extent_words()].concat())?;
        let count = names(&O::PLANES, inputs.gradients).count();
        let result = self.poisoned(count * n)?;
        let buffers = ScanBuffers {
            inputs: Slice::whole(&differentiable),
            constants: Some(Slice::whole(&constants)),
            words: Some(Slice::whole(&words)),
            result: Slice::whole(&result),
        };
        self.run(&plan.forward(self.device(), &shape, &buffers)?).await?;
        self.planes(&result, count, n).await
    }
}

impl ScanInputs<'_> {
    fn extent_words(&self) -> &[u32] {
        match self.rows {
            Segments::Padded { .. } => self.lengths.unwrap_or_default(),
            Segments::Packed { offsets } => offsets,
        }
    }

    /// The shape on `n` steps whose extent stands behind the mask.
    fn shape<O: ScanOp>(&self, n: usize, extent: usize, reduction: Reduction) -> ScanShape {
        let (rows, len, steps) = match self.rows {
            Segments::Padded { count, len } => {
                (count, len, Steps::Padded { len, lengths: self.lengths.map(|_| extent) })
            }
            Segments::Packed { .. } => (self.rows.count(), n, Steps::Packed { offsets: extent, elements: n }),
        };
        let view = |i: usize| View::packed(i * n, len);
        ScanShape {
            rows,
            steps,
            inputs: std::array::from_fn(view),
            constants: std::array::from_fn(view),
            mask: self.mask.map(|_| view(0)),
            upstream: self.upstream.map(|_| view(O::PLANES.constants.len())),
            gradients: self.gradients,
            ..ScanShape::padded(1, n, reduction)
        }
    }

    /// The number of steps that every array has.
    fn check<O: ScanOp>(&self) -> Result<usize, Error> {
        let op = O::SPEC.slug;
        exactly(op, "inputs", O::PLANES.inputs.len() as u64, self.inputs.len())?;
        exactly(op, "constants", O::PLANES.constants.len() as u64, self.constants.len())?;
        let n = self.steps(op)?;
        let inputs = O::PLANES.inputs.iter().zip(self.inputs);
        let named = inputs.chain(O::PLANES.constants.iter().zip(self.constants));
        let mut lengths = named
            .map(|(&name, plane)| (name, plane.len()))
            .chain(self.mask.map(|mask| ("mask", mask.len())))
            .chain(self.upstream.map(|upstream| ("upstream", upstream.len())));
        lengths.try_for_each(|(name, len)| exactly(op, name, n as u64, len))?;
        Ok(n)
    }

    fn steps(&self, op: &'static str) -> Result<usize, Error> {
        match self.rows {
            Segments::Padded { count, len } => {
                if let Some(lengths) = self.lengths {
                    exactly(op, "lengths", count as u64, lengths.len())?;
                }
                let n = product(op, "rows", count as u64, len as u64)?;
                usize::try_from(n).map_err(|_| Error::SizeOverflow { op, arg: "rows" })
            }
            Segments::Packed { offsets } => {
                exactly(op, "lengths", 0, self.lengths.map_or(0, <[u32]>::len))?;
                let n = offsets.last().map_or(0, |&end| end as usize);
                check_offsets(op, offsets, n)?;
                Ok(n)
            }
        }
    }
}
