//! TokenRows on the GPU: logits and labels in, planes or gradients of logits out.

mod backward;
mod forward;
mod in_place;
mod shape;

use bellwether_core::{Op, Storage};
use bellwether_shaders::{Dialect, Source};

pub(crate) use forward::Parts;
pub(crate) use in_place::Over;
pub use in_place::TokenInPlace;
pub(crate) use shape::{Counts, LabelWords};
pub use shape::{
    TokenBackward, TokenFinish, TokenForward, TokenOver, TokenPartial, TokenShape, TokenStep, Upstream,
};

use crate::error::Error;
use crate::kernel::Kernel;
use crate::record::{Recorded, record};
use crate::sig::{Params, source};
use crate::slice::{Limits, Matrix, Slice};

/// The plan of one operator of the signature: its kernels, compiled.
#[derive(Clone, Debug)]
pub struct TokenRows {
    params: Params,
    counts: Counts,
    forward: Kernel,
    narrow: Kernel,
    partial: Kernel,
    finish: Kernel,
    backward: Kernel,
}

/// Rows `base .. base + n` of all: what FusedLinear's chunks are to these kernels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows {
    pub(crate) base: u64,
    pub(crate) n: u64,
}

impl Rows {
    /// All of a shape.
    pub(crate) const fn all(shape: &TokenShape) -> Self {
        Self::of(shape.n)
    }

    /// All of `n` rows.
    pub(crate) const fn of(n: usize) -> Self {
        Self { base: 0, n: n as u64 }
    }
}

impl TokenRows {
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
    /// As [`TokenRows::new`], and those of `compile`.
    pub fn compile_with<O: Op>(
        op: &O,
        compile: impl FnMut(&'static Source) -> Result<Kernel, Error>,
    ) -> Result<Self, Error> {
        Self::counted(op, Counts::TOKEN, compile)
    }

    /// The plan of an operator with so many planes.
    pub(crate) fn counted<O: Op>(
        op: &O,
        counts: Counts,
        mut compile: impl FnMut(&'static Source) -> Result<Kernel, Error>,
    ) -> Result<Self, Error> {
        let params = Params::of(op)?;
        let mut kernel = |name| compile(source(params.op, name)?);
        Ok(Self {
            params,
            counts,
            forward: kernel("forward")?,
            narrow: kernel("narrow")?,
            partial: kernel("partial")?,
            finish: kernel("finish")?,
            backward: kernel("backward")?,
        })
    }

    /// How logits and their gradients stand in memory.
    #[must_use]
    pub const fn storage(&self) -> Storage {
        self.forward.dialect().storage
    }

    /// The dispatches of `forward`: one, or two where few rows are cut into parts.
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
        self.plan_forward(&Limits::of(device), shape, Rows::all(shape), buffers, &mut calls)?;
        record(device, &calls)
    }

    /// The dispatch that makes a state of each row of a shard: `shape.v` columns from `shape.column_base` on.
    ///
    /// # Errors
    /// As [`TokenRows::forward`].
    pub fn partial(
        &self,
        device: &wgpu::Device,
        shape: &TokenShape,
        buffers: &TokenPartial<'_>,
    ) -> Result<Recorded, Error> {
        let mut calls = Vec::new();
        self.plan_shard(&Limits::of(device), shape, buffers, &mut calls)?;
        record(device, &calls)
    }

    /// The dispatch that merges the states of `shards` shards, in the order of their columns, into the planes;
    /// `shape.v` is the whole vocabulary.
    ///
    /// # Errors
    /// As [`TokenRows::forward`].
    pub fn finish(
        &self,
        device: &wgpu::Device,
        shape: &TokenShape,
        shards: usize,
        buffers: &TokenFinish<'_>,
    ) -> Result<Recorded, Error> {
        let mut calls = Vec::new();
        self.plan_finish(shape, shards, buffers, &mut calls)?;
        record(device, &calls)
    }

    /// The dispatches of `backward`; of a shard's logits where the shape is a shard's.
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
        self.plan_backward(&Limits::of(device), shape, Rows::all(shape), buffers, &mut calls)?;
        record(device, &calls)
    }
}

/// The checked matrix of logits, or of their gradients.
pub(crate) fn matrix<'a>(
    (op, arg): (&'static str, &'static str),
    limits: &Limits,
    (rows, width, stride): (u64, usize, usize),
    slice: Slice<'a>,
    storage: Storage,
) -> Result<Matrix<'a>, Error> {
    if width == 0 && rows > 0 {
        return Err(Error::ShapeMismatch { op, arg: "v", expected: 1, given: 0 });
    }
    let matrix = Matrix { arg, slice, rows, width: width as u64, stride: stride as u64, storage };
    matrix.check(op, limits)?;
    Ok(matrix)
}

/// `total` in pieces of at most `most`: where each begins and how long it is.
pub(crate) fn tiles(total: u64, most: u64) -> impl Iterator<Item = (u64, u64)> {
    let most = most.max(1);
    (0..total.div_ceil(most)).map(move |i| (i * most, most.min(total - i * most)))
}
