//! SegmentStats on the GPU: values of elements in, one sum or mean per segment out, and back.

mod shape;

use bellwether_core::Op;
use bellwether_core::sig::segment_stats::SegmentArgs;
use bellwether_shaders::{Dialect, Source};

pub use shape::{Extent, KeepWords, SegmentShape};

use crate::error::Error;
use crate::kernel::Kernel;
use crate::record::{Call, Recorded, record};
use crate::sig::{Params, nothing, source};
use crate::slice::Slice;

/// The plan of one operator of the signature: both kernels, compiled.
#[derive(Clone, Debug)]
pub struct SegmentStats {
    params: Params,
    forward: Kernel,
    backward: Kernel,
}

/// Buffers of `forward`.
#[derive(Clone, Copy, Debug)]
pub struct SegmentForward<'a> {
    /// f32.
    pub values: Slice<'a>,
    /// u32: offsets, mask or labels; `None` where the shape names none.
    pub words: Option<Slice<'a>>,
    /// The planes [`PLANES`](bellwether_core::sig::segment_stats::PLANES).
    pub result: Slice<'a>,
}

/// Buffers of `backward`.
#[derive(Clone, Copy, Debug)]
pub struct SegmentBackward<'a> {
    /// The planes of `forward` and the upstream gradients.
    pub rows: Slice<'a>,
    /// As in [`SegmentForward`].
    pub words: Option<Slice<'a>>,
    /// Gradients of the values; all elements of the segments are overwritten.
    pub d_values: Slice<'a>,
}

impl SegmentStats {
    /// Compiles both kernels.
    ///
    /// # Errors
    /// An operator of another signature, and those of [`Kernel::new`].
    pub fn new<O: Op>(device: &wgpu::Device, op: &O, dialect: Dialect) -> Result<Self, Error> {
        Self::compile_with(op, |source| Kernel::new(device, source, dialect))
    }

    /// The plan with kernels of the caller's making.
    ///
    /// # Errors
    /// As [`SegmentStats::new`], and those of `compile`.
    pub fn compile_with<O: Op>(
        op: &O,
        mut compile: impl FnMut(&'static Source) -> Result<Kernel, Error>,
    ) -> Result<Self, Error> {
        let params = Params::of(op)?;
        let forward = compile(source(params.op, "forward")?)?;
        let backward = compile(source(params.op, "backward")?)?;
        Ok(Self { params, forward, backward })
    }

    /// The dispatch of `forward`.
    ///
    /// # Errors
    /// Shapes that the buffers do not hold, limits, aliasing: see [`Error`].
    pub fn forward(
        &self,
        device: &wgpu::Device,
        shape: &SegmentShape,
        buffers: &SegmentForward<'_>,
    ) -> Result<Recorded, Error> {
        // One each: WebGPU refuses one range under two bindings that may be written.
        let (no_values, no_words) = (nothing(device)?, nothing(device)?);
        let words = buffers.words.unwrap_or(Slice::whole(&no_words));
        let values = if buffers.values.elements() == 0 { Slice::whole(&no_values) } else { buffers.values };
        let mut calls = Vec::new();
        self.plan_forward(shape, [values, words, buffers.result], &mut calls)?;
        record(device, &calls)
    }

    /// The dispatch of `backward`.
    ///
    /// # Errors
    /// As [`SegmentStats::forward`].
    pub fn backward(
        &self,
        device: &wgpu::Device,
        shape: &SegmentShape,
        buffers: &SegmentBackward<'_>,
    ) -> Result<Recorded, Error> {
        let nothing = nothing(device)?;
        let words = buffers.words.unwrap_or(Slice::whole(&nothing));
        let mut calls = Vec::new();
        self.plan_backward(shape, [buffers.rows, words, buffers.d_values], &mut calls)?;
        record(device, &calls)
    }

    /// `forward` with buffers `[values, words, result]`.
    pub(crate) fn plan_forward<'a>(
        &'a self,
        shape: &SegmentShape,
        buffers: [Slice<'a>; 3],
        calls: &mut Vec<Call<'a>>,
    ) -> Result<(), Error> {
        let op = self.params.op;
        let args = shape.args(op, &buffers[1], ("values", &buffers[0]), ("result", &buffers[2]))?;
        self.call(&self.forward, shape, args, buffers, calls);
        Ok(())
    }

    /// `backward` with buffers `[rows, words, d_values]`.
    pub(crate) fn plan_backward<'a>(
        &'a self,
        shape: &SegmentShape,
        buffers: [Slice<'a>; 3],
        calls: &mut Vec<Call<'a>>,
    ) -> Result<(), Error> {
        let op = self.params.op;
        if shape.elements(op)? == 0 {
            return Ok(());
        }
        let mut args = shape.args(op, &buffers[1], ("d_values", &buffers[2]), ("rows", &buffers[0]))?;
        let upstream = shape.upstream.words(op, "upstream", shape.segments as u64, &buffers[0])?;
        (args.upstream_offset, args.upstream_stride) = upstream;
        self.call(&self.backward, shape, args, buffers, calls);
        Ok(())
    }

    fn call<'a>(
        &'a self,
        kernel: &'a Kernel,
        shape: &SegmentShape,
        args: SegmentArgs,
        buffers: [Slice<'a>; 3],
        calls: &mut Vec<Call<'a>>,
    ) {
        if shape.segments > 0 {
            let args = self.params.block(&args.words());
            calls.push(Call { kernel, buffers: buffers.to_vec(), args, units: shape.segments as u64 });
        }
    }
}
