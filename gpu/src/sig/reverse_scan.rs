//! ReverseScan on the GPU: arrays per step in, outputs and gradients per step out.

use bellwether_core::op::word;
use bellwether_core::sig::Reduction;
use bellwether_core::sig::reverse_scan::{
    GRADIENTS, LENGTHS, MASKED, MOST_CONSTANTS, MOST_INPUTS, MOST_STEPS, Order, ScanArgs, ScanOp, ScanPlanes,
    WEIGHTED, result as names,
};
use bellwether_core::sig::token_map::ViewWords;
use bellwether_shaders::{Dialect, Source};

use crate::error::{Error, index, product};
use crate::kernel::Kernel;
use crate::record::{Call, Recorded, record};
use crate::sig::{Params, nothing, source};
use crate::slice::{Plane, Slice, View, planes};

/// The plan of one operator.
#[derive(Clone, Debug)]
pub struct ReverseScan {
    params: Params,
    planes: ScanPlanes,
    forward: Kernel,
}

/// Where the steps of each row are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steps {
    /// Rows of an array.
    Padded {
        /// Steps of each, padding counted.
        len: usize,
        /// Where the rows' lengths begin in `words`; `None`: all are `len`.
        lengths: Option<usize>,
    },
    /// Row `r` is `offsets[r]..offsets[r + 1]`; the offsets stand in `words` and are trusted.
    Packed {
        /// Where the offsets begin in `words`.
        offsets: usize,
        /// Steps of all rows together.
        elements: usize,
    },
}

/// Where everything stands, in elements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScanShape {
    /// How many rows.
    pub rows: usize,
    /// Where their steps are.
    pub steps: Steps,
    /// Multiplies the gradients.
    pub reduction: Reduction,
    /// The operator's inputs, in `inputs`, in the order of [`ScanOp::PLANES`]; those beyond are not looked at.
    pub inputs: [View; MOST_INPUTS],
    /// Its constants, in `constants`.
    pub constants: [View; MOST_CONSTANTS],
    /// Which steps count, in `words`; `None`: all.
    pub mask: Option<View>,
    /// The upstream gradient of each step's first output, in `constants`; `None`: 1.
    pub upstream: Option<View>,
    /// Whether the result has gradients.
    pub gradients: bool,
    /// How the steps of padded rows follow one another in a plane of the result.
    pub order: Order,
    /// Where plane 0 of the result begins, and the elements from one *plane* to the next (at least as many as steps).
    pub result: Plane,
}

impl ScanShape {
    /// Padded rows, their arrays without gaps, one behind another; all steps count; no gradients.
    #[must_use]
    pub fn padded(rows: usize, len: usize, reduction: Reduction) -> Self {
        let n = rows.saturating_mul(len);
        let view = |i: usize| View::packed(n.saturating_mul(i), len);
        Self {
            rows,
            steps: Steps::Padded { len, lengths: None },
            reduction,
            inputs: std::array::from_fn(view),
            constants: std::array::from_fn(view),
            mask: None,
            upstream: None,
            gradients: false,
            order: Order::BatchMajor,
            result: Plane { offset: 0, stride: n },
        }
    }

    /// Rows and columns of every view.
    fn size(&self, op: &'static str) -> Result<[u64; 2], Error> {
        match self.steps {
            Steps::Padded { len, .. } if len > MOST_STEPS => {
                let (need, have) = (len as u64, MOST_STEPS as u64);
                Err(Error::LimitTooSmall { op, arg: "len", limit: "steps of one row", need, have })
            }
            Steps::Padded { len, .. } => Ok([self.rows as u64, len as u64]),
            Steps::Packed { elements, .. } => Ok([u64::from(self.rows > 0), elements as u64]),
        }
    }
}

/// Buffers.
#[derive(Clone, Copy, Debug)]
pub struct ScanBuffers<'a> {
    /// The differentiable arrays.
    pub inputs: Slice<'a>,
    /// Constants and upstream gradients; `None` where there are neither.
    pub constants: Option<Slice<'a>>,
    /// u32: mask, lengths or offsets; `None` where the shape names none.
    pub words: Option<Slice<'a>>,
    /// The planes of [`result`](bellwether_core::sig::reverse_scan::result).
    pub result: Slice<'a>,
}

impl ReverseScan {
    /// Compiles the kernel.
    ///
    /// # Errors
    /// Parameters outside their range, and those of [`Kernel::new`].
    pub fn new<O: ScanOp>(device: &wgpu::Device, op: &O, dialect: Dialect) -> Result<Self, Error> {
        Self::compile_with(op, |source| Kernel::new(device, source, dialect))
    }

    /// The plan with a kernel of the caller's making.
    ///
    /// # Errors
    /// As [`ReverseScan::new`], and those of `compile`.
    pub fn compile_with<O: ScanOp>(
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
        shape: &ScanShape,
        buffers: &ScanBuffers<'_>,
    ) -> Result<Recorded, Error> {
        let op = self.params.op;
        shape.reduction.check(op)?;
        let size = shape.size(op)?;
        if size.contains(&0) {
            return Ok(Recorded::default());
        }
        let nothing = nothing(device)?;
        let [constants, words] =
            [buffers.constants, buffers.words].map(|b| b.unwrap_or(Slice::whole(&nothing)));
        let bound = [buffers.inputs, constants, words, buffers.result];
        let args = self.args(shape, size, &bound)?;
        let units = args.rows.into();
        let args = self.params.block(&args.words());
        record(device, &[Call { kernel: &self.forward, buffers: bound.to_vec(), args, units }])
    }

    fn args(&self, shape: &ScanShape, size: [u64; 2], bound: &[Slice<'_>; 4]) -> Result<ScanArgs, Error> {
        let (op, [inputs, constants, words, _]) = (self.params.op, bound);
        let view = |arg, view: &View, slice| view.words(op, arg, size, slice);
        let optional =
            |arg, at: &Option<View>, slice| at.as_ref().map_or(Ok([0; 3]), |at| view(arg, at, slice));
        let mut input_words: [ViewWords; MOST_INPUTS] = [[0; 3]; MOST_INPUTS];
        for ((to, &name), at) in input_words.iter_mut().zip(self.planes.inputs).zip(&shape.inputs) {
            *to = view(name, at, inputs)?;
        }
        let mut constant_words: [ViewWords; MOST_CONSTANTS] = [[0; 3]; MOST_CONSTANTS];
        for ((to, &name), at) in constant_words.iter_mut().zip(self.planes.constants).zip(&shape.constants) {
            *to = view(name, at, constants)?;
        }
        let [mask_offset, mask_row, mask_col] = optional("mask", &shape.mask, words)?;
        let [upstream_offset, upstream_row, upstream_col] = optional("upstream", &shape.upstream, constants)?;
        let args = ScanArgs {
            rows: index(op, "rows", shape.rows as u64)?,
            scale: f32::from_bits(word(shape.reduction.scale())),
            mask_offset,
            mask_row,
            mask_col,
            upstream_offset,
            upstream_row,
            upstream_col,
            ..ScanArgs::default()
        };
        self.place(shape, size, bound, args.with_views(input_words, constant_words))
    }

    /// Adds where rows and results stand.
    fn place(
        &self,
        shape: &ScanShape,
        size: [u64; 2],
        bound: &[Slice<'_>; 4],
        args: ScanArgs,
    ) -> Result<ScanArgs, Error> {
        let (op, [.., words, result]) = (self.params.op, bound);
        let n = product(op, "rows", size[0], size[1])?;
        let count = names(&self.planes, shape.gradients).count();
        let (result_offset, result_stride) = planes(op, "result", count, n, shape.result, result)?;
        let held = |arg, at: usize, count| Plane::at(at).words(op, arg, count, words).map(|(at, _)| at);
        let rows = shape.rows as u64;
        let (len, [result_row, result_col], extent, lengths) = match shape.steps {
            Steps::Padded { len, lengths } => {
                let extent = lengths.map_or(Ok(0), |at| held("lengths", at, rows))?;
                (size[1], shape.order.distances(shape.rows, len), extent, lengths.is_some())
            }
            Steps::Packed { offsets, .. } => (0, [0, 1], held("offsets", offsets, rows + 1)?, false),
        };
        let present = [
            (shape.mask.is_some(), MASKED),
            (shape.upstream.is_some(), WEIGHTED),
            (lengths, LENGTHS),
            (shape.gradients, GRADIENTS),
        ];
        Ok(ScanArgs {
            len: index(op, "len", len)?,
            extent_offset: extent,
            present: present.iter().filter(|(there, _)| *there).map(|(_, bit)| bit).sum(),
            result_offset,
            result_stride,
            result_row: index(op, "rows", result_row as u64)?,
            result_col: index(op, "rows", result_col as u64)?,
            ..args
        })
    }
}
