//! TokenMap on the GPU: arrays per token in, outputs and gradients per token out.

use bellwether_core::op::word;
use bellwether_core::sig::Reduction;
use bellwether_core::sig::token_map::{MASKED, MOST, MapArgs, MapOp, MapPlanes, ViewWords, WEIGHTED};
use bellwether_shaders::{Dialect, Source};

use crate::error::{Error, index, product};
use crate::kernel::Kernel;
use crate::record::{Call, Recorded, record};
use crate::sig::{Params, nothing, source};
use crate::slice::{Plane, Slice, View, planes};

/// The plan of one operator.
#[derive(Clone, Debug)]
pub struct TokenMap {
    params: Params,
    planes: MapPlanes,
    forward: Kernel,
}

/// Where everything stands, in elements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MapShape {
    /// Rows of every array.
    pub rows: usize,
    /// Elements of a row.
    pub len: usize,
    /// Multiplies the gradients.
    pub reduction: Reduction,
    /// The operator's inputs, in `inputs`, in the order of [`MapOp::PLANES`]; those beyond are not looked at.
    pub inputs: [View; MOST],
    /// Its constants, in `constants`.
    pub constants: [View; MOST],
    /// Which elements count, in `mask`; `None`: all.
    pub mask: Option<View>,
    /// The upstream gradient of each element's first output, in `constants`; `None`: 1.
    pub upstream: Option<View>,
    /// Where plane 0 of the result begins, and the elements from one *plane* to the next (at least `rows · len`).
    pub result: Plane,
}

impl MapShape {
    /// Arrays without gaps, one behind another; all elements count, with upstream gradient 1.
    #[must_use]
    pub fn packed(rows: usize, len: usize, reduction: Reduction) -> Self {
        let n = rows.saturating_mul(len);
        let views = std::array::from_fn(|i| View::packed(n.saturating_mul(i), len));
        let result = Plane { offset: 0, stride: n };
        Self { rows, len, reduction, inputs: views, constants: views, mask: None, upstream: None, result }
    }
}

/// Buffers.
#[derive(Clone, Copy, Debug)]
pub struct MapBuffers<'a> {
    /// The differentiable arrays.
    pub inputs: Slice<'a>,
    /// Constants and upstream gradients; `None` where there are neither.
    pub constants: Option<Slice<'a>>,
    /// u32: the mask; `None` where the shape names none.
    pub mask: Option<Slice<'a>>,
    /// The planes of [`MapPlanes::result`].
    pub result: Slice<'a>,
}

impl TokenMap {
    /// Compiles the kernel.
    ///
    /// # Errors
    /// Parameters outside their range, and those of [`Kernel::new`].
    pub fn new<O: MapOp>(device: &wgpu::Device, op: &O, dialect: Dialect) -> Result<Self, Error> {
        Self::compile_with(op, |source| Kernel::new(device, source, dialect))
    }

    /// The plan with a kernel of the caller's making.
    ///
    /// # Errors
    /// As [`TokenMap::new`], and those of `compile`.
    pub fn compile_with<O: MapOp>(
        op: &O,
        mut compile: impl FnMut(&'static Source) -> Result<Kernel, Error>,
    ) -> Result<Self, Error> {
        let params = Params::of(op)?;
        let forward = compile(source(params.op, "forward")?)?;
        Ok(Self { params, planes: O::PLANES, forward })
    }

    /// The dispatch: outputs and gradients in one.
    ///
    /// # Errors
    /// Shapes that the buffers do not hold, limits, aliasing: see [`Error`].
    pub fn forward(
        &self,
        device: &wgpu::Device,
        shape: &MapShape,
        buffers: &MapBuffers<'_>,
    ) -> Result<Recorded, Error> {
        let nothing = nothing(device)?;
        let [constants, mask] =
            [buffers.constants, buffers.mask].map(|b| b.unwrap_or(Slice::whole(&nothing)));
        let mut calls = Vec::new();
        self.plan_forward(shape, [buffers.inputs, constants, mask, buffers.result], 1.0, &mut calls)?;
        record(device, &calls)
    }

    /// `forward` with buffers `[inputs, constants, mask, result]`; gradients are multiplied by `weight` too.
    pub(crate) fn plan_forward<'a>(
        &'a self,
        shape: &MapShape,
        bound: [Slice<'a>; 4],
        weight: f64,
        calls: &mut Vec<Call<'a>>,
    ) -> Result<(), Error> {
        shape.reduction.check(self.params.op)?;
        if shape.rows == 0 || shape.len == 0 {
            return Ok(());
        }
        let scale = f32::from_bits(word(shape.reduction.scale() * weight));
        let args = MapArgs { scale, ..self.args(shape, &bound)? };
        let units = args.n.into();
        let args = self.params.block(&args.words());
        calls.push(Call { kernel: &self.forward, buffers: bound.to_vec(), args, units });
        Ok(())
    }

    /// The names of the operator's arrays.
    pub(crate) const fn names(&self) -> &MapPlanes {
        &self.planes
    }

    fn args(&self, shape: &MapShape, bound: &[Slice<'_>; 4]) -> Result<MapArgs, Error> {
        let (op, [inputs, constants, mask, result]) = (self.params.op, bound);
        let size = [shape.rows as u64, shape.len as u64];
        let n = product(op, "rows", size[0], size[1])?;
        let view = |arg, view: &View, slice| view.words(op, arg, size, slice);
        let optional =
            |arg, at: &Option<View>, slice| at.as_ref().map_or(Ok([0; 3]), |at| view(arg, at, slice));
        let views = |names: &[&'static str], at: &[View; MOST], slice| -> Result<[ViewWords; MOST], Error> {
            let mut words = [[0; 3]; MOST];
            for ((word, &name), at) in words.iter_mut().zip(names).zip(at) {
                *word = view(name, at, slice)?;
            }
            Ok(words)
        };
        let inputs = views(self.planes.inputs, &shape.inputs, inputs)?;
        let views = MapArgs::of_views(inputs, views(self.planes.constants, &shape.constants, constants)?);
        let [mask_offset, mask_row, mask_col] = optional("mask", &shape.mask, mask)?;
        let [upstream_offset, upstream_row, upstream_col] = optional("upstream", &shape.upstream, constants)?;
        let (result_offset, result_stride) =
            planes(op, "result", self.planes.count(), n, shape.result, result)?;
        let present = |there: bool, bit| if there { bit } else { 0 };
        Ok(MapArgs {
            n: index(op, "rows", n)?,
            len: index(op, "len", size[1])?,
            result_offset,
            result_stride,
            present: present(shape.mask.is_some(), MASKED) | present(shape.upstream.is_some(), WEIGHTED),
            mask_offset,
            mask_row,
            mask_col,
            upstream_offset,
            upstream_row,
            upstream_col,
            ..views
        })
    }
}
