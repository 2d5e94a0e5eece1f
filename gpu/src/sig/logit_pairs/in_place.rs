//! A gradient that takes the place of the logits that it is by: a matrix less in memory.

use bellwether_core::sig::logit_pairs::{BackwardArgs, By, LogitPairOp};
use bellwether_shaders::{Dialect, Source};

use super::{LogitPairOver, LogitPairShape, PairWindow, header};
use crate::error::{Error, index};
use crate::kernel::Kernel;
use crate::record::{Call, Recorded, record};
use crate::sig::token_rows::{Rows, tiles};
use crate::sig::{Params, source};
use crate::slice::Limits;

/// The plan of `backward` over its own logits.
#[derive(Clone, Debug)]
pub struct LogitPairInPlace {
    params: Params,
    upstream: usize,
    backward: Kernel,
}

impl LogitPairInPlace {
    /// Compiles the kernel.
    ///
    /// # Errors
    /// Parameters outside their range, and those of [`Kernel::new`].
    pub fn new<O: LogitPairOp>(device: &wgpu::Device, op: &O, dialect: Dialect) -> Result<Self, Error> {
        Self::compile_with(op, |source| Kernel::new(device, source, dialect))
    }

    /// The plan with a kernel of the caller's making.
    ///
    /// # Errors
    /// As [`LogitPairInPlace::new`], and those of `compile`.
    pub fn compile_with<O: LogitPairOp>(
        op: &O,
        mut compile: impl FnMut(&'static Source) -> Result<Kernel, Error>,
    ) -> Result<Self, Error> {
        let params = Params::of(op)?;
        let backward = compile(source(params.op, "backward_in_place")?)?;
        Ok(Self { params, upstream: O::UPSTREAM.len(), backward })
    }

    /// The dispatches that replace one of the two matrices of logits by its gradient, from planes that `forward` made.
    /// The gradient by the other matrix needs both as they were, so it comes before.
    ///
    /// # Errors
    /// As [`LogitPairs::backward`](super::LogitPairs::backward).
    pub fn backward(
        &self,
        device: &wgpu::Device,
        shape: &LogitPairShape,
        buffers: &LogitPairOver<'_>,
        by: By,
    ) -> Result<Recorded, Error> {
        let (op, limits, mut calls) = (self.params.op, Limits::of(device), Vec::new());
        let (own, other, layout) = (buffers.logits, buffers.other, shape.layout);
        let (both, stride) = match by {
            By::Policy => ([own, other], layout.stride),
            By::Reference => ([other, own], layout.ref_stride),
        };
        let rows = Rows::of(shape.n);
        let matrices = shape.matrices(op, &limits, rows.n, both, self.backward.dialect().storage)?;
        let shape = LogitPairShape { gradient_stride: stride, ..*shape };
        let window = PairWindow { rows, column_base: 0, accumulate: false, by };
        let from = (&buffers.labels, &buffers.rows, buffers.saved, buffers.upstream);
        let header = header((op, self.upstream), &shape, from, window)?;
        let [logits, ref_logits] = &matrices;
        let most = logits.window_rows(op, &limits)?.min(ref_logits.window_rows(op, &limits)?);
        for (first, n) in tiles(rows.n, most) {
            let (policy, logits_offset) = logits.window(first, n, &limits);
            let (reference, ref_offset) = ref_logits.window(first, n, &limits);
            let (other, result, result_offset) = match by {
                By::Policy => (reference, policy, logits_offset),
                By::Reference => (policy, reference, ref_offset),
            };
            let (n_word, row_base) = (index(op, "n", n)?, index(op, "n", first)?);
            let args =
                BackwardArgs { n: n_word, row_base, logits_offset, ref_offset, result_offset, ..header };
            let buffers = vec![other, buffers.rows, buffers.labels, result];
            let args = self.params.block(&args.words());
            calls.push(Call { kernel: &self.backward, buffers, args, units: n });
        }
        record(device, &calls)
    }
}
