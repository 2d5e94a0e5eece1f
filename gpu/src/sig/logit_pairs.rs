//! LogitPairs on the GPU: a policy's and a reference's logits and labels in, planes or gradients of logits out.

mod in_place;
mod shape;

use bellwether_core::Storage;
use bellwether_core::sig::logit_pairs::{BackwardArgs, By, ForwardArgs, LogitPairOp};
use bellwether_shaders::{Dialect, Source};

pub use in_place::LogitPairInPlace;
pub use shape::{LogitPairBackward, LogitPairForward, LogitPairOver, LogitPairShape};

use crate::error::{Error, index};
use crate::kernel::Kernel;
use crate::record::{Call, Recorded, record};
use crate::sig::token_rows::{Rows, Upstream, matrix, tiles};
use crate::sig::{Params, source};
use crate::slice::{Limits, Slice};

/// The plan of one operator of the signature: both kernels, compiled.
#[derive(Clone, Debug)]
pub struct LogitPairs {
    params: Params,
    /// How many planes of upstream gradients the operator has.
    upstream: usize,
    forward: Kernel,
    backward: Kernel,
}

/// Which rows and columns of all a `backward` is of, and what becomes of its gradients.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PairWindow {
    pub(crate) rows: Rows,
    pub(crate) column_base: u64,
    /// Whether they are added to what stands there.
    pub(crate) accumulate: bool,
    pub(crate) by: By,
}

impl LogitPairs {
    /// Compiles both kernels.
    ///
    /// # Errors
    /// Parameters outside their range, and those of [`Kernel::new`].
    pub fn new<O: LogitPairOp>(device: &wgpu::Device, op: &O, dialect: Dialect) -> Result<Self, Error> {
        Self::compile_with(op, |source| Kernel::new(device, source, dialect))
    }

    /// The plan with kernels of the caller's making.
    ///
    /// # Errors
    /// As [`LogitPairs::new`], and those of `compile`.
    pub fn compile_with<O: LogitPairOp>(
        op: &O,
        mut compile: impl FnMut(&'static Source) -> Result<Kernel, Error>,
    ) -> Result<Self, Error> {
        let params = Params::of(op)?;
        let forward = compile(source(params.op, "forward")?)?;
        let backward = compile(source(params.op, "backward")?)?;
        Ok(Self { params, upstream: O::UPSTREAM.len(), forward, backward })
    }

    /// How logits and their gradients stand in memory.
    #[must_use]
    pub const fn storage(&self) -> Storage {
        self.forward.dialect().storage
    }

    /// The dispatches of `forward`.
    ///
    /// # Errors
    /// Shapes that the buffers do not hold, limits, aliasing: see [`Error`].
    pub fn forward(
        &self,
        device: &wgpu::Device,
        shape: &LogitPairShape,
        buffers: &LogitPairForward<'_>,
    ) -> Result<Recorded, Error> {
        let mut calls = Vec::new();
        self.plan_forward(&Limits::of(device), shape, Rows::of(shape.n), buffers, &mut calls)?;
        record(device, &calls)
    }

    /// The dispatches of `backward`, by one of the two matrices.
    ///
    /// # Errors
    /// As [`LogitPairs::forward`], and an upstream plane that the operator has not.
    pub fn backward(
        &self,
        device: &wgpu::Device,
        shape: &LogitPairShape,
        buffers: &LogitPairBackward<'_>,
        by: By,
    ) -> Result<Recorded, Error> {
        let mut calls = Vec::new();
        let window = PairWindow { rows: Rows::of(shape.n), column_base: 0, accumulate: false, by };
        self.plan_backward(&Limits::of(device), shape, window, buffers, &mut calls)?;
        record(device, &calls)
    }

    /// `forward` on some rows; `logits` and `ref_logits` hold those rows only, labels and result all `shape.n`.
    pub(crate) fn plan_forward<'a>(
        &'a self,
        limits: &Limits,
        shape: &LogitPairShape,
        rows: Rows,
        buffers: &LogitPairForward<'a>,
        calls: &mut Vec<Call<'a>>,
    ) -> Result<(), Error> {
        let (op, both) = (self.params.op, [buffers.logits, buffers.ref_logits]);
        let [logits, ref_logits] = shape.matrices(op, limits, rows.n, both, self.storage())?;
        let labels = shape.labels(op, &buffers.labels)?;
        let (result_offset, result_stride) = shape.planes(op, "result", 0, &buffers.result)?;
        let most = logits.window_rows(op, limits)?.min(ref_logits.window_rows(op, limits)?);
        for (first, n) in tiles(rows.n, most) {
            let (window, logits_offset) = logits.window(first, n, limits);
            let (ref_window, ref_offset) = ref_logits.window(first, n, limits);
            let args = ForwardArgs {
                n: index(op, "n", n)?,
                v: index(op, "v", shape.layout.v as u64)?,
                row_base: index(op, "n", rows.base + first)?,
                logits_offset,
                logits_stride: index(op, "logits", logits.stride)?,
                ref_offset,
                ref_stride: index(op, "ref_logits", ref_logits.stride)?,
                labels_offset: labels.labels_offset,
                seq_len: labels.seq_len,
                shift: labels.shift,
                ignore_index: labels.ignore_index,
                mask_offset: labels.mask_offset,
                result_offset,
                result_stride,
                ..ForwardArgs::default()
            };
            let buffers = vec![window, ref_window, buffers.labels, buffers.result];
            let args = self.params.block(&args.words());
            calls.push(Call { kernel: &self.forward, buffers, args, units: n });
        }
        Ok(())
    }

    /// `backward` on some rows and columns; `logits`, `ref_logits` and `d_logits` hold those only.
    pub(crate) fn plan_backward<'a>(
        &'a self,
        limits: &Limits,
        shape: &LogitPairShape,
        window: PairWindow,
        buffers: &LogitPairBackward<'a>,
        calls: &mut Vec<Call<'a>>,
    ) -> Result<(), Error> {
        let (op, rows, both) = (self.params.op, window.rows, [buffers.logits, buffers.ref_logits]);
        let [logits, ref_logits] = shape.matrices(op, limits, rows.n, both, self.storage())?;
        let size = (rows.n, shape.layout.v, shape.gradient_stride);
        let gradient = matrix((op, "d_logits"), limits, size, buffers.d_logits, self.storage())?;
        let from = (&buffers.labels, &buffers.rows, buffers.saved, buffers.upstream);
        let header = header((op, self.upstream), shape, from, window)?;
        let most = logits.window_rows(op, limits)?.min(ref_logits.window_rows(op, limits)?);
        let most = most.min(gradient.window_rows(op, limits)?);
        for (first, n) in tiles(rows.n, most) {
            let (window, logits_offset) = logits.window(first, n, limits);
            let (ref_window, ref_offset) = ref_logits.window(first, n, limits);
            let (result, result_offset) = gradient.window(first, n, limits);
            let (n_word, row_base) = (index(op, "n", n)?, index(op, "n", rows.base + first)?);
            let args =
                BackwardArgs { n: n_word, row_base, logits_offset, ref_offset, result_offset, ..header };
            let buffers = vec![window, ref_window, buffers.rows, buffers.labels, result];
            let args = self.params.block(&args.words());
            calls.push(Call { kernel: &self.backward, buffers, args, units: n });
        }
        Ok(())
    }
}

/// What all dispatches of a `backward` share: labels, saved planes and where they begin, upstream gradients.
fn header(
    (op, count): (&'static str, usize),
    shape: &LogitPairShape,
    (labels, rows, saved, upstream): (&Slice<'_>, &Slice<'_>, usize, Upstream),
    window: PairWindow,
) -> Result<BackwardArgs, Error> {
    let labels = shape.labels(op, labels)?;
    let (saved_offset, saved_stride) = shape.planes(op, "rows", saved, rows)?;
    upstream.check(op, count, shape.n, rows)?;
    Ok(BackwardArgs {
        v: index(op, "v", shape.layout.v as u64)?,
        logits_stride: index(op, "logits", shape.layout.stride as u64)?,
        ref_stride: index(op, "ref_logits", shape.layout.ref_stride as u64)?,
        labels_offset: labels.labels_offset,
        seq_len: labels.seq_len,
        shift: labels.shift,
        ignore_index: labels.ignore_index,
        mask_offset: labels.mask_offset,
        saved_offset,
        saved_stride,
        upstream_offset: index(op, "upstream", upstream.offset as u64)?,
        upstream_stride: index(op, "upstream", upstream.stride as u64)?,
        upstream_mask: upstream.mask,
        result_stride: index(op, "d_logits", shape.gradient_stride as u64)?,
        by_reference: window.by.word(),
        column_base: index(op, "column_base", window.column_base)?,
        accumulate: u32::from(window.accumulate),
        ..BackwardArgs::default()
    })
}
