//! ListRows on the GPU: lists of responses in, a loss per list and a gradient per item out.

use bellwether_core::op::{require, word};
use bellwether_core::sig::Reduction;
use bellwether_core::sig::list_rows::{
    LENGTHS, ListArgs, ListOp, ListPlanes, MOST_CONSTANTS, MOST_INPUTS, MOST_ITEMS, WEIGHTED,
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
pub struct ListRows {
    params: Params,
    planes: ListPlanes,
    forward: Kernel,
}

/// Where everything stands, in elements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ListShape {
    /// How many lists.
    pub lists: usize,
    /// Items of a list, padding counted; up to [`MOST_ITEMS`].
    pub items: usize,
    /// Multiplies the gradients.
    pub reduction: Reduction,
    /// The operator's inputs, in `inputs`, in the order of [`ListOp::PLANES`]; those beyond are not looked at.
    pub inputs: [View; MOST_INPUTS],
    /// Its constants, in `constants`.
    pub constants: [View; MOST_CONSTANTS],
    /// The ranks, in `words`; not looked at where the operator reads none.
    pub rank: View,
    /// The length of each list, in `words`; `None`: all have `items`.
    pub length: Option<Plane>,
    /// The upstream gradient of each list's first output, in `constants`; `None`: 1.
    pub upstream: Option<Plane>,
    /// Where plane 0 of the result begins, and the elements from one *plane* to the next (at least `lists`).
    pub result: Plane,
    /// The gradient by each input, in `result`: where it begins, and the elements from one *list* to the next (at
    /// least `items`). It must not overlap the planes.
    pub gradients: [Plane; MOST_INPUTS],
}

impl ListShape {
    /// Arrays without gaps, one behind another; in the result first the gradients, then the planes. All items count.
    #[must_use]
    pub fn packed(planes: &ListPlanes, (lists, items): (usize, usize), reduction: Reduction) -> Self {
        let n = lists.saturating_mul(items);
        let at = |i: usize| View::packed(n.saturating_mul(i), items);
        let gradients = std::array::from_fn(|i| Plane { offset: n.saturating_mul(i), stride: items });
        Self {
            lists,
            items,
            reduction,
            inputs: std::array::from_fn(at),
            constants: std::array::from_fn(at),
            rank: at(0),
            length: None,
            upstream: None,
            result: Plane { offset: n.saturating_mul(planes.inputs.len()), stride: lists },
            gradients,
        }
    }
}

/// Buffers.
#[derive(Clone, Copy, Debug)]
pub struct ListBuffers<'a> {
    /// The differentiable arrays.
    pub inputs: Slice<'a>,
    /// Constants and upstream gradients; `None` where there are neither.
    pub constants: Option<Slice<'a>>,
    /// u32: ranks and lengths; `None` where there are neither.
    pub words: Option<Slice<'a>>,
    /// The planes of [`ListPlanes::result`] and the gradients.
    pub result: Slice<'a>,
}

impl ListRows {
    /// Compiles the kernel.
    ///
    /// # Errors
    /// Parameters outside their range, and those of [`Kernel::new`].
    pub fn new<O: ListOp>(device: &wgpu::Device, op: &O, dialect: Dialect) -> Result<Self, Error> {
        Self::compile_with(op, |source| Kernel::new(device, source, dialect))
    }

    /// The plan with a kernel of the caller's making.
    ///
    /// # Errors
    /// As [`ListRows::new`], and those of `compile`.
    pub fn compile_with<O: ListOp>(
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
        shape: &ListShape,
        buffers: &ListBuffers<'_>,
    ) -> Result<Recorded, Error> {
        let op = self.params.op;
        shape.reduction.check(op)?;
        require(shape.items <= MOST_ITEMS, op, "items", shape.items as f64, "0..=1024")?;
        if shape.lists == 0 {
            return Ok(Recorded::default());
        }
        // One each: WebGPU refuses one range under two bindings that may be written.
        let nothing = [nothing(device)?, nothing(device)?, nothing(device)?];
        let [no_inputs, no_constants, no_words] = nothing.each_ref().map(Slice::whole);
        let inputs = if shape.items == 0 { no_inputs } else { buffers.inputs };
        let (constants, words) =
            (buffers.constants.unwrap_or(no_constants), buffers.words.unwrap_or(no_words));
        let bound = [inputs, constants, words, buffers.result];
        let args = self.args(shape, &bound)?;
        let args = self.params.block(&args.words());
        record(
            device,
            &[Call { kernel: &self.forward, buffers: bound.to_vec(), args, units: shape.lists as u64 }],
        )
    }

    fn args(&self, shape: &ListShape, bound: &[Slice<'_>; 4]) -> Result<ListArgs, Error> {
        let (op, [inputs, constants, words, result]) = (self.params.op, bound);
        let lists = shape.lists as u64;
        let x = self.views(self.planes.inputs, &shape.inputs, shape, inputs)?;
        let views =
            ListArgs::of_views(x, self.views(self.planes.constants, &shape.constants, shape, constants)?);
        let ranked = if self.planes.ranked { &["rank"][..] } else { &[] };
        let [[rank_offset, rank_row, rank_col]] = self.views(ranked, &[shape.rank], shape, words)?;
        let optional =
            |arg, at: Option<Plane>, slice| at.map_or(Ok((0, 0)), |at| at.words(op, arg, lists, slice));
        let (length_offset, length_stride) = optional("length", shape.length, words)?;
        let (upstream_offset, upstream_stride) = optional("upstream", shape.upstream, constants)?;
        let (result_offset, result_stride) =
            planes(op, "result", self.planes.count(), lists, shape.result, result)?;
        let mut gradients = [(0, 0); MOST_INPUTS];
        for ((words, &name), &at) in gradients.iter_mut().zip(self.planes.gradients).zip(&shape.gradients) {
            *words = rows(op, name, (shape.lists, shape.items), at, result)?;
        }
        let [(gradient0_offset, gradient0_row), (gradient1_offset, gradient1_row)] = gradients;
        let present = |there: bool, bit| if there { bit } else { 0 };
        Ok(ListArgs {
            lists: index(op, "lists", lists)?,
            items: index(op, "items", shape.items as u64)?,
            result_offset,
            result_stride,
            scale: f32::from_bits(word(shape.reduction.scale())),
            present: present(shape.length.is_some(), LENGTHS) | present(shape.upstream.is_some(), WEIGHTED),
            length_offset,
            length_stride,
            upstream_offset,
            upstream_stride,
            rank_offset,
            rank_row,
            rank_col,
            gradient0_offset,
            gradient0_row,
            gradient1_offset,
            gradient1_row,
            ..views
        })
    }

    /// The views of named arrays; of lists without items nothing is read.
    fn views<const N: usize>(
        &self,
        names: &[&'static str],
        at: &[View; N],
        shape: &ListShape,
        slice: &Slice<'_>,
    ) -> Result<[ViewWords; N], Error> {
        let mut words = [[0; 3]; N];
        if shape.items > 0 {
            let size = [shape.lists as u64, shape.items as u64];
            for ((word, &name), at) in words.iter_mut().zip(names).zip(at) {
                *word = at.words(self.params.op, name, size, slice)?;
            }
        }
        Ok(words)
    }
}

/// Rows of `items` neighbours, of which none overlaps the next.
pub(super) fn rows(
    op: &'static str,
    arg: &'static str,
    (lists, items): (usize, usize),
    at: Plane,
    slice: &Slice<'_>,
) -> Result<(u32, u32), Error> {
    let (lists, items, stride) = (lists as u64, items as u64, at.stride as u64);
    if stride < items {
        return Err(Error::ShapeMismatch { op, arg, expected: items, given: stride });
    }
    let above = product(op, arg, lists.saturating_sub(1), stride)?;
    let all = above.checked_add(items).ok_or(Error::SizeOverflow { op, arg })?;
    let (offset, _) = Plane::at(at.offset).words(op, arg, if items == 0 { 0 } else { all }, slice)?;
    Ok((offset, if lists > 1 { index(op, arg, stride)? } else { 0 }))
}
