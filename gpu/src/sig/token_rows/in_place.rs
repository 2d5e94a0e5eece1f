//! Gradients that take the place of the logits: half the memory.

use bellwether_core::sig::token_rows::{BackwardArgs, PLANES, StepArgs, UPSTREAM};
use bellwether_core::{Op, Storage};
use bellwether_shaders::{Dialect, Source};

use super::backward::header;
use super::shape::{Counts, TokenOver, TokenShape, TokenStep};
use super::{Rows, matrix, tiles};
use crate::error::{Error, index};
use crate::kernel::Kernel;
use crate::record::{Call, Recorded, record};
use crate::sig::{Params, source};
use crate::slice::Limits;

/// `backward` over its own logits, for whoever holds the kernel.
pub(crate) struct Over<'a> {
    pub(crate) params: &'a Params,
    pub(crate) kernel: &'a Kernel,
}

impl<'a> Over<'a> {
    /// On some rows; `buffers.logits` holds those rows only.
    pub(crate) fn plan(
        &self,
        limits: &Limits,
        shape: &TokenShape,
        rows: Rows,
        buffers: &TokenOver<'a>,
        calls: &mut Vec<Call<'a>>,
    ) -> Result<(), Error> {
        let op = self.params.op;
        let shape = TokenShape { gradient_stride: shape.logits_stride, ..*shape };
        let (size, storage) = ((rows.n, shape.v, shape.logits_stride), self.kernel.dialect().storage);
        let logits = matrix((op, "logits"), limits, size, buffers.logits, storage)?;
        let header = header(
            (op, Counts::TOKEN),
            &shape,
            &buffers.labels,
            (&buffers.rows, buffers.saved, buffers.upstream),
        )?;
        for (first, n) in tiles(rows.n, logits.window_rows(op, limits)?) {
            let (window, offset) = logits.window(first, n, limits);
            let (count, row_base) = (index(op, "n", n)?, index(op, "n", rows.base + first)?);
            let args =
                BackwardArgs { n: count, row_base, logits_offset: offset, result_offset: offset, ..header };
            let buffers = vec![buffers.rows, buffers.labels, window];
            let (kernel, units) = (self.kernel, n * u64::from(args.parts));
            calls.push(Call { kernel, buffers, args: self.params.block(&args.words()), units });
        }
        Ok(())
    }
}

/// The plan of `backward` over its own logits, and of planes and gradients in one dispatch.
#[derive(Clone, Debug)]
pub struct TokenInPlace {
    params: Params,
    backward: Kernel,
    step: Kernel,
}

impl TokenInPlace {
    /// Compiles the kernels.
    ///
    /// # Errors
    /// Parameters outside their range, an operator of another signature, and those of [`Kernel::new`].
    pub fn new<O: Op>(device: &wgpu::Device, op: &O, dialect: Dialect) -> Result<Self, Error> {
        Self::compile_with(op, |source| Kernel::new(device, source, dialect))
    }

    /// The plan with kernels of the caller's making.
    ///
    /// # Errors
    /// As [`TokenInPlace::new`], and those of `compile`.
    pub fn compile_with<O: Op>(
        op: &O,
        mut compile: impl FnMut(&'static Source) -> Result<Kernel, Error>,
    ) -> Result<Self, Error> {
        let params = Params::of(op)?;
        let backward = compile(source(params.op, "backward_in_place")?)?;
        let step = compile(source(params.op, "step")?)?;
        Ok(Self { params, backward, step })
    }

    const fn storage(&self) -> Storage {
        self.step.dialect().storage
    }

    /// The dispatches that replace logits by their gradients, from planes that `forward` made.
    ///
    /// # Errors
    /// As [`TokenRows::forward`](super::TokenRows::forward).
    pub fn backward(
        &self,
        device: &wgpu::Device,
        shape: &TokenShape,
        buffers: &TokenOver<'_>,
    ) -> Result<Recorded, Error> {
        let mut calls = Vec::new();
        let over = Over { params: &self.params, kernel: &self.backward };
        over.plan(&Limits::of(device), shape, Rows::all(shape), buffers, &mut calls)?;
        record(device, &calls)
    }

    /// The dispatches that make the planes and replace the logits by their gradients, where the upstream gradients are
    /// known beforehand. Logits in 16 bits must begin at an even element with an even stride: rows that share a word
    /// need `forward` and [`TokenInPlace::backward`].
    ///
    /// # Errors
    /// As [`TokenRows::forward`](super::TokenRows::forward); [`Error::Misaligned`] for rows that share a word; a shard
    /// of a vocabulary, which has no planes of its own.
    pub fn step(
        &self,
        device: &wgpu::Device,
        shape: &TokenShape,
        buffers: &TokenStep<'_>,
    ) -> Result<Recorded, Error> {
        let (op, limits, mut calls) = (self.params.op, Limits::of(device), Vec::new());
        if shape.column_base != 0 {
            let given = shape.column_base as u64;
            return Err(Error::ShapeMismatch { op, arg: "column_base", expected: 0, given });
        }
        if !(shape.logits_stride as u64).is_multiple_of(self.storage().per_word()) {
            let (given, align) = (shape.logits_stride as u64, self.storage().per_word());
            return Err(Error::Misaligned { op, arg: "logits_stride", given, align });
        }
        let size = (shape.n as u64, shape.v, shape.logits_stride);
        let logits = matrix((op, "logits"), &limits, size, buffers.logits, self.storage())?;
        let labels = shape.check(op, &buffers.labels)?;
        let (saved_offset, saved_stride) =
            shape.planes((op, "planes"), PLANES.len(), shape.result_offset, &buffers.planes)?;
        let upstream = buffers.upstream;
        upstream.check(op, UPSTREAM.len(), shape.n, &buffers.rows)?;
        for (first, n) in tiles(shape.n as u64, logits.window_rows(op, &limits)?) {
            let (window, result_offset) = logits.window(first, n, &limits);
            let args = StepArgs {
                n: index(op, "n", n)?,
                v: index(op, "v", shape.v as u64)?,
                row_base: index(op, "n", first)?,
                result_offset,
                result_stride: index(op, "logits", logits.stride)?,
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
                ..StepArgs::default()
            };
            let buffers = vec![buffers.rows, buffers.labels, buffers.planes, window];
            calls.push(Call {
                kernel: &self.step,
                buffers,
                args: self.params.block(&args.words()),
                units: n,
            });
        }
        record(device, &calls)
    }
}
