//! TokenRows on the GPU: logits and labels in, planes or gradients of logits out.

mod shape;

use bellwether_core::Op;
use bellwether_core::sig::token_rows::{BackwardArgs, ForwardArgs, UPSTREAM};

use bellwether_shaders::{Dialect, Source};

pub(crate) use shape::LabelWords;
pub use shape::{TokenBackward, TokenForward, TokenShape, Upstream};

use crate::error::{Error, index, product};
use crate::kernel::Kernel;
use crate::record::{Call, Recorded, record};
use crate::sig::{Params, source};
use crate::slice::{Limits, Matrix, Plane, Slice};

/// The plan of one operator of the signature: both kernels, compiled.
#[derive(Clone, Debug)]
pub struct TokenRows {
    params: Params,
    forward: Kernel,
    backward: Kernel,
}

/// Rows `base .. base + n` of all: what FusedLinear's chunks are to these kernels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows {
    pub(crate) base: u64,
    pub(crate) n: u64,
}

impl TokenRows {
    /// Compiles both kernels.
    ///
    /// # Errors
    /// Parameters outside their range, an operator of another signature, and those of [`Kernel::new`].
    pub fn new<O: Op>(device: &wgpu::Device, op: &O, dialect: Dialect) -> Result<Self, Error> {
        Self::compile_with(op, |source| Kernel::new(device, source, dialect))
    }

    /// The plan with kernels of the caller's making.
    ///
    /// # Errors
    /// As [`TokenRows::new`], and those of `compile`.
    pub fn compile_with<O: Op>(
        op: &O,
        mut compile: impl FnMut(&'static Source) -> Result<Kernel, Error>,
    ) -> Result<Self, Error> {
        let params = Params::of(op)?;
        let forward = compile(source(params.op, "forward")?)?;
        let backward = compile(source(params.op, "backward")?)?;
        Ok(Self { params, forward, backward })
    }

    /// The dispatches of `forward`.
    ///
    /// # Errors
    /// Shapes that the buffers do not hold, limits, aliasing: see [`Error`].
    pub fn forward(
        &self,
        device: &wgpu::Device,
        shape: &TokenShape,
        buffers: &TokenForward<'_>,
    ) -> Result<Recorded, Error> {
        let mut calls = Vec::new();
        let rows = Rows { base: 0, n: shape.n as u64 };
        self.plan_forward(&Limits::of(device), shape, rows, buffers, &mut calls)?;
        record(device, &calls)
    }

    /// The dispatches of `backward`.
    ///
    /// # Errors
    /// As [`TokenRows::forward`].
    pub fn backward(
        &self,
        device: &wgpu::Device,
        shape: &TokenShape,
        buffers: &TokenBackward<'_>,
    ) -> Result<Recorded, Error> {
        let mut calls = Vec::new();
        let rows = Rows { base: 0, n: shape.n as u64 };
        self.plan_backward(&Limits::of(device), shape, rows, buffers, &mut calls)?;
        record(device, &calls)
    }

    /// `forward` on some rows; `buffers.logits` holds those rows only, labels and result all `shape.n`.
    pub(crate) fn plan_forward<'a>(
        &'a self,
        limits: &Limits,
        shape: &TokenShape,
        rows: Rows,
        buffers: &TokenForward<'a>,
        calls: &mut Vec<Call<'a>>,
    ) -> Result<(), Error> {
        let op = self.params.op;
        let logits = self.logits(limits, shape, rows, buffers.logits)?;
        let labels = shape.check(op, &buffers.labels)?;
        let planes = shape.planes(op, "result", 0, &buffers.result)?;
        for (first, n) in tiles(rows.n, logits.window_rows(op, limits)?) {
            let (window, logits_offset) = logits.window(first, n, limits);
            let args = ForwardArgs {
                n: index(op, "n", n)?,
                v: index(op, "v", shape.v as u64)?,
                row_base: index(op, "n", rows.base + first)?,
                logits_offset,
                logits_stride: index(op, "logits", logits.stride)?,
                labels_offset: 0,
                seq_len: labels.seq_len,
                shift: labels.shift,
                ignore_index: labels.ignore_index,
                result_offset: planes.0,
                result_stride: planes.1,
                pad0: 0,
            };
            let buffers = vec![window, buffers.labels, buffers.result];
            calls.push(Call {
                kernel: &self.forward,
                buffers,
                args: self.params.block(&args.words()),
                units: n,
            });
        }
        Ok(())
    }

    /// `backward` on some rows; `logits` and `d_logits` hold those rows only.
    pub(crate) fn plan_backward<'a>(
        &'a self,
        limits: &Limits,
        shape: &TokenShape,
        rows: Rows,
        buffers: &TokenBackward<'a>,
        calls: &mut Vec<Call<'a>>,
    ) -> Result<(), Error> {
        let op = self.params.op;
        let logits = self.logits(limits, shape, rows, buffers.logits)?;
        let stride = shape.gradient_stride as u64;
        let (width, slice) = (shape.v as u64, buffers.d_logits);
        let gradient = Matrix { arg: "d_logits", slice, rows: rows.n, width, stride };
        gradient.check(op, limits)?;
        let header = self.backward_header(shape, buffers)?;
        let most = logits.window_rows(op, limits)?.min(gradient.window_rows(op, limits)?);
        for (first, n) in tiles(rows.n, most) {
            let (window, logits_offset) = logits.window(first, n, limits);
            let (result, result_offset) = gradient.window(first, n, limits);
            let args = BackwardArgs {
                n: index(op, "n", n)?,
                row_base: index(op, "n", rows.base + first)?,
                logits_offset,
                result_offset,
                ..header
            };
            let buffers = vec![window, buffers.rows, buffers.labels, result];
            calls.push(Call {
                kernel: &self.backward,
                buffers,
                args: self.params.block(&args.words()),
                units: n,
            });
        }
        Ok(())
    }

    /// What all dispatches of a `backward` share.
    fn backward_header(
        &self,
        shape: &TokenShape,
        buffers: &TokenBackward<'_>,
    ) -> Result<BackwardArgs, Error> {
        let op = self.params.op;
        let labels = shape.check(op, &buffers.labels)?;
        let saved = shape.planes(op, "rows", buffers.saved, &buffers.rows)?;
        let upstream = buffers.upstream;
        let last = (0..UPSTREAM.len()).rev().find(|i| upstream.mask >> i & 1 == 1);
        if let Some(last) = last {
            let skipped = product(op, "upstream", last as u64, upstream.stride as u64)?;
            let offset = usize::try_from(skipped)
                .ok()
                .and_then(|skipped| skipped.checked_add(upstream.offset))
                .ok_or(Error::SizeOverflow { op, arg: "upstream" })?;
            Plane::at(offset).words(op, "upstream", shape.n as u64, &buffers.rows)?;
        }
        Ok(BackwardArgs {
            v: index(op, "v", shape.v as u64)?,
            logits_stride: index(op, "logits", shape.logits_stride as u64)?,
            seq_len: labels.seq_len,
            shift: labels.shift,
            ignore_index: labels.ignore_index,
            saved_offset: saved.0,
            saved_stride: saved.1,
            upstream_offset: index(op, "upstream", upstream.offset as u64)?,
            upstream_stride: index(op, "upstream", upstream.stride as u64)?,
            upstream_mask: upstream.mask,
            result_stride: index(op, "d_logits", shape.gradient_stride as u64)?,
            ..BackwardArgs::default()
        })
    }

    /// The checked matrix of logits.
    fn logits<'a>(
        &self,
        limits: &Limits,
        shape: &TokenShape,
        rows: Rows,
        slice: Slice<'a>,
    ) -> Result<Matrix<'a>, Error> {
        let op = self.params.op;
        if shape.v == 0 && rows.n > 0 {
            return Err(Error::ShapeMismatch { op, arg: "v", expected: 1, given: 0 });
        }
        let (width, stride) = (shape.v as u64, shape.logits_stride as u64);
        let logits = Matrix { arg: "logits", slice, rows: rows.n, width, stride };
        logits.check(op, limits)?;
        Ok(logits)
    }
}

/// `total` in pieces of at most `most`: where each begins and how long it is.
pub(crate) fn tiles(total: u64, most: u64) -> impl Iterator<Item = (u64, u64)> {
    let most = most.max(1);
    (0..total.div_ceil(most)).map(move |i| (i * most, most.min(total - i * most)))
}
