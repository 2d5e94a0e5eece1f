//! PairRows on the GPU: log-probabilities of pairs in, losses, rewards and gradients out.

use bellwether_core::op::word;
use bellwether_core::pair::{Length, Link, PairLoss};
use bellwether_core::sig::Reduction;
use bellwether_core::sig::pair_rows::{PLANES, PairArgs};
use bellwether_shaders::{Dialect, Source};

use crate::error::{Error, index};
use crate::kernel::Kernel;
use crate::record::{Call, Recorded, record};
use crate::sig::{Params, source};
use crate::slice::{Plane, Slice, planes};

/// The plan of one pair loss.
#[derive(Clone, Debug)]
pub struct PairRows {
    params: Params,
    /// The loss's own fields of the header; the rest is zero.
    header: PairArgs,
    length: Length,
    forward: Kernel,
}

/// Where everything stands, in elements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairShape {
    /// Pairs.
    pub n: usize,
    /// Multiplies the gradients.
    pub reduction: Reduction,
    /// In `inputs`.
    pub chosen: Plane,
    /// In `inputs`.
    pub rejected: Plane,
    /// In `constants`.
    pub ref_chosen: Plane,
    /// In `constants`.
    pub ref_rejected: Plane,
    /// In `constants`; looked at under [`Length::TokenMean`] only.
    pub chosen_len: Plane,
    /// In `constants`; looked at under [`Length::TokenMean`] only.
    pub rejected_len: Plane,
    /// Where plane 0 of the result begins, and the elements from one *plane* to the next (at least `n`).
    pub result: Plane,
}

impl PairShape {
    /// Planes one behind another: `inputs` is `[chosen | rejected]`, `constants` is
    /// `[ref_chosen | ref_rejected | chosen_len | rejected_len]`, the result `[8, n]`.
    #[must_use]
    pub const fn concatenated(n: usize, reduction: Reduction) -> Self {
        Self {
            n,
            reduction,
            chosen: Plane::at(0),
            rejected: Plane::at(n),
            ref_chosen: Plane::at(0),
            ref_rejected: Plane::at(n),
            chosen_len: Plane::at(n.saturating_mul(2)),
            rejected_len: Plane::at(n.saturating_mul(3)),
            result: Plane { offset: 0, stride: n },
        }
    }
}

/// Buffers.
#[derive(Clone, Copy, Debug)]
pub struct PairBuffers<'a> {
    /// Log-probabilities of the policy, nats.
    pub inputs: Slice<'a>,
    /// Those of the reference; lengths.
    pub constants: Slice<'a>,
    /// The planes [`PLANES`].
    pub result: Slice<'a>,
}

impl PairRows {
    /// Compiles the kernel.
    ///
    /// # Errors
    /// Parameters outside their range, combinations that mean nothing, and those of [`Kernel::new`].
    pub fn new<L: Link>(device: &wgpu::Device, loss: &PairLoss<L>, dialect: Dialect) -> Result<Self, Error> {
        Self::compile_with(loss, |source| Kernel::new(device, source, dialect))
    }

    /// The plan with a kernel of the caller's making.
    ///
    /// # Errors
    /// As [`PairRows::new`], and those of `compile`.
    pub fn compile_with<L: Link>(
        loss: &PairLoss<L>,
        mut compile: impl FnMut(&'static Source) -> Result<Kernel, Error>,
    ) -> Result<Self, Error> {
        loss.check()?;
        let params = Params::of(&loss.link)?;
        let header = PairArgs::of_loss(loss);
        let forward = compile(source(params.op, "forward")?)?;
        Ok(Self { params, header, length: loss.length, forward })
    }

    /// The dispatch: losses, rewards and gradients in one.
    ///
    /// # Errors
    /// Shapes that the buffers do not hold, limits, aliasing: see [`Error`].
    pub fn forward(
        &self,
        device: &wgpu::Device,
        shape: &PairShape,
        buffers: &PairBuffers<'_>,
    ) -> Result<Recorded, Error> {
        let mut calls = Vec::new();
        self.plan_forward(shape, buffers, &mut calls)?;
        record(device, &calls)
    }

    pub(crate) fn plan_forward<'a>(
        &'a self,
        shape: &PairShape,
        buffers: &PairBuffers<'a>,
        calls: &mut Vec<Call<'a>>,
    ) -> Result<(), Error> {
        shape.reduction.check(self.params.op)?;
        if shape.n == 0 {
            return Ok(());
        }
        let args = self.args(shape, buffers)?;
        calls.push(Call {
            kernel: &self.forward,
            buffers: vec![buffers.inputs, buffers.constants, buffers.result],
            args: self.params.block(&args.words()),
            units: shape.n as u64,
        });
        Ok(())
    }

    fn args(&self, shape: &PairShape, buffers: &PairBuffers<'_>) -> Result<PairArgs, Error> {
        let (op, n) = (self.params.op, shape.n as u64);
        let input = |arg, plane: Plane| plane.words(op, arg, n, &buffers.inputs);
        let constant = |arg, plane: Plane| plane.words(op, arg, n, &buffers.constants);
        let length = |arg, plane: Plane| match self.length {
            Length::Sum => Ok((0, 0)),
            Length::TokenMean => constant(arg, plane),
        };
        let (chosen_offset, chosen_stride) = input("chosen", shape.chosen)?;
        let (rejected_offset, rejected_stride) = input("rejected", shape.rejected)?;
        let (ref_chosen_offset, ref_chosen_stride) = constant("ref_chosen", shape.ref_chosen)?;
        let (ref_rejected_offset, ref_rejected_stride) = constant("ref_rejected", shape.ref_rejected)?;
        let (chosen_len_offset, chosen_len_stride) = length("chosen_len", shape.chosen_len)?;
        let (rejected_len_offset, rejected_len_stride) = length("rejected_len", shape.rejected_len)?;
        let (result_offset, result_stride) =
            planes(op, "result", PLANES.len(), n, shape.result, &buffers.result)?;
        Ok(PairArgs {
            n: index(op, "n", n)?,
            result_offset,
            result_stride,
            scale: f32::from_bits(word(shape.reduction.scale())),
            chosen_offset,
            chosen_stride,
            rejected_offset,
            rejected_stride,
            ref_chosen_offset,
            ref_chosen_stride,
            ref_rejected_offset,
            ref_rejected_stride,
            chosen_len_offset,
            chosen_len_stride,
            rejected_len_offset,
            rejected_len_stride,
            ..self.header
        })
    }
}
