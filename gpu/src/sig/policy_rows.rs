//! PolicyRows on the GPU: log-probabilities and advantages of sequences in, a loss per sequence and a gradient per token
//! out.

use bellwether_core::op::{require, word};
use bellwether_core::policy::{PolicyLoss, Surrogate};
use bellwether_core::sig::Reduction;
use bellwether_core::sig::policy_rows::{
    MASKED, MOST_TOKENS, OLD, PLANES, PolicyArgs, REFERENCE, UPSTREAM, WEIGHTED,
};
use bellwether_shaders::{Dialect, Source};

use super::list_rows::rows;
use crate::error::{Error, index};
use crate::kernel::Kernel;
use crate::record::{Call, Recorded, record};
use crate::sig::{Params, nothing, source};
use crate::slice::{Plane, Slice, View, planes};

/// The plan of one loss.
#[derive(Clone, Debug)]
pub struct PolicyRows {
    params: Params,
    rule: PolicyLoss<()>,
    planes: usize,
    forward: Kernel,
}

/// Where everything stands, in elements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PolicyShape {
    /// How many sequences.
    pub rows: usize,
    /// Tokens of a sequence, padding counted; up to [`MOST_TOKENS`].
    pub len: usize,
    /// Multiplies the gradients.
    pub reduction: Reduction,
    /// Log-probabilities under the policy, in `inputs`.
    pub logp: View,
    /// Those under the policy that sampled, in `constants`; `None`: the same, without gradient.
    pub old_logp: Option<View>,
    /// Those under the reference, in `constants`; `None`: there is none.
    pub ref_logp: Option<View>,
    /// Advantages, in `constants`: per token, or per sequence with a distance of columns of 0.
    pub advantage: View,
    /// What multiplies a token's policy part, in `constants`; `None`: 1.
    pub weight: Option<View>,
    /// Which tokens count, in `words`: those whose word is not 0. `None`: all.
    pub mask: Option<View>,
    /// The upstream gradient of each sequence's loss, in `constants`; `None`: 1.
    pub upstream: Option<Plane>,
    /// Where plane 0 of the result begins, and the elements from one *plane* to the next (at least `rows`).
    pub result: Plane,
    /// The gradient, in `result`: where it begins, and the elements from one *sequence* to the next (at least `len`). It
    /// must not overlap the planes.
    pub gradient: Plane,
}

impl PolicyShape {
    /// Arrays without gaps: an advantage per token, nothing that is optional; in the result first the gradient, then the
    /// planes.
    #[must_use]
    pub fn packed((rows, len): (usize, usize), reduction: Reduction) -> Self {
        Self {
            rows,
            len,
            reduction,
            logp: View::packed(0, len),
            old_logp: None,
            ref_logp: None,
            advantage: View::packed(0, len),
            weight: None,
            mask: None,
            upstream: None,
            result: Plane { offset: rows.saturating_mul(len), stride: rows },
            gradient: Plane { offset: 0, stride: len },
        }
    }
}

/// Buffers.
#[derive(Clone, Copy, Debug)]
pub struct PolicyBuffers<'a> {
    /// The log-probabilities.
    pub inputs: Slice<'a>,
    /// Everything else that is a number.
    pub constants: Slice<'a>,
    /// u32: the mask; `None` where there is none.
    pub words: Option<Slice<'a>>,
    /// The planes of [`result`](bellwether_core::sig::policy_rows::result) and the gradient.
    pub result: Slice<'a>,
}

impl PolicyRows {
    /// Compiles the kernel.
    ///
    /// # Errors
    /// Parameters outside their range, and those of [`Kernel::new`].
    pub fn new<S: Surrogate>(
        device: &wgpu::Device,
        loss: &PolicyLoss<S>,
        dialect: Dialect,
    ) -> Result<Self, Error> {
        Self::compile_with(loss, |source| Kernel::new(device, source, dialect))
    }

    /// The plan with a kernel of the caller's making.
    ///
    /// # Errors
    /// As [`PolicyRows::new`], and those of `compile`.
    pub fn compile_with<S: Surrogate>(
        loss: &PolicyLoss<S>,
        mut compile: impl FnMut(&'static Source) -> Result<Kernel, Error>,
    ) -> Result<Self, Error> {
        loss.check()?;
        let params = Params::of(&loss.surrogate)?;
        let forward = compile(source(params.op, "forward")?)?;
        Ok(Self { params, rule: loss.with(()), planes: PLANES.len() + S::METRICS.len() + 1, forward })
    }

    /// The dispatch: outputs and gradients in one.
    ///
    /// # Errors
    /// A divergence without a reference, shapes that the buffers do not hold, limits, aliasing: see [`Error`].
    pub fn forward(
        &self,
        device: &wgpu::Device,
        shape: &PolicyShape,
        buffers: &PolicyBuffers<'_>,
    ) -> Result<Recorded, Error> {
        let op = self.params.op;
        shape.reduction.check(op)?;
        require(shape.len <= MOST_TOKENS, op, "len", shape.len as f64, "0..=1048576")?;
        require(
            self.rule.beta <= 0.0 || shape.ref_logp.is_some(),
            op,
            "beta",
            self.rule.beta,
            "0 where there is no ref_logp",
        )?;
        if shape.rows == 0 {
            return Ok(Recorded::default());
        }
        // One each: WebGPU refuses one range under two bindings that may be written.
        let nothing = [nothing(device)?, nothing(device)?, nothing(device)?];
        let [no_inputs, no_constants, no_words] = nothing.each_ref().map(Slice::whole);
        let (inputs, constants) =
            if shape.len == 0 { (no_inputs, no_constants) } else { (buffers.inputs, buffers.constants) };
        let constants = if shape.upstream.is_some() { buffers.constants } else { constants };
        let bound = [inputs, constants, buffers.words.unwrap_or(no_words), buffers.result];
        let args = self.args(shape, &bound)?;
        let args = self.params.block(&args.words());
        record(
            device,
            &[Call { kernel: &self.forward, buffers: bound.to_vec(), args, units: shape.rows as u64 }],
        )
    }

    fn args(&self, shape: &PolicyShape, bound: &[Slice<'_>; 4]) -> Result<PolicyArgs, Error> {
        let (op, [inputs, constants, words, result]) = (self.params.op, bound);
        let (rows_, size) = (shape.rows as u64, [shape.rows as u64, shape.len as u64]);
        let view = |arg, at: Option<View>, slice| match at {
            Some(at) if shape.len > 0 => at.words(op, arg, size, slice),
            _ => Ok([0; 3]),
        };
        let views = PolicyArgs::of_views([
            view("mask", shape.mask, words)?,
            view("logp", Some(shape.logp), inputs)?,
            view("old_logp", shape.old_logp, constants)?,
            view("ref_logp", shape.ref_logp, constants)?,
            view("advantage", Some(shape.advantage), constants)?,
            view("weight", shape.weight, constants)?,
        ]);
        let upstream = shape.upstream.map(|at| at.words(op, "upstream", rows_, constants));
        let (upstream_offset, upstream_stride) = upstream.unwrap_or(Ok((0, 0)))?;
        let (result_offset, result_stride) = planes(op, "result", self.planes, rows_, shape.result, result)?;
        let (gradient_offset, gradient_row) =
            rows(op, "d_logp", (shape.rows, shape.len), shape.gradient, result)?;
        let present = |there: bool, bit| if there { bit } else { 0 };
        Ok(PolicyArgs {
            rows: index(op, "rows", rows_)?,
            len: index(op, "len", size[1])?,
            result_offset,
            result_stride,
            scale: f32::from_bits(word(shape.reduction.scale())),
            present: present(shape.mask.is_some(), MASKED)
                | present(shape.upstream.is_some(), UPSTREAM)
                | present(shape.old_logp.is_some(), OLD)
                | present(shape.ref_logp.is_some(), REFERENCE)
                | present(shape.weight.is_some(), WEIGHTED),
            level: self.rule.level.code(),
            mean: self.rule.aggregate.is_mean().into(),
            beta: f32::from_bits(word(self.rule.beta)),
            corrected: self.rule.corrected.into(),
            upstream_offset,
            upstream_stride,
            gradient_offset,
            gradient_row,
            ..views
        })
    }
}
