//! PairRows on the GPU: log-probabilities of pairs in, losses, rewards and gradients out.

use bellwether_core::op::word;
use bellwether_core::pair::{Link, PairLoss};
use bellwether_core::sig::Reduction;
use bellwether_core::sig::pair_rows::{
    LENGTHS, MARGINS, PLANES, PREFERENCES, PairArgs, REFERENCES, WEIGHTS, check_extras,
};
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
    /// Which of the optional planes the loss can take: margins, preferences.
    takes: [Result<(), bellwether_core::Error>; 2],
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
    /// In `constants`; looked at where the loss [reads](PairLoss::reads_reference) the reference.
    pub ref_chosen: Plane,
    /// In `constants`; looked at where the loss reads the reference.
    pub ref_rejected: Plane,
    /// In `constants`; looked at where the loss [reads](PairLoss::reads_lengths) lengths.
    pub chosen_len: Plane,
    /// In `constants`; looked at where the loss reads lengths.
    pub rejected_len: Plane,
    /// In `constants`; 1 where there is none.
    pub weight: Option<Plane>,
    /// In `constants`: beside the margin of the loss.
    pub margin: Option<Plane>,
    /// In `constants`: instead of the loss's noise.
    pub preference: Option<Plane>,
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
            weight: None,
            margin: None,
            preference: None,
            result: Plane { offset: 0, stride: n },
        }
    }
}

/// Buffers.
#[derive(Clone, Copy, Debug)]
pub struct PairBuffers<'a> {
    /// Log-probabilities of the policy, nats.
    pub inputs: Slice<'a>,
    /// Those of the reference; lengths, weights, margins, preferences.
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
        let takes = [check_extras(loss, true, false), check_extras(loss, false, true)];
        let forward = compile(source(params.op, "forward")?)?;
        Ok(Self { params, header, takes, forward })
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
        let (extras, words) = self.planes(shape, buffers)?;
        let [
            chosen,
            rejected,
            ref_chosen,
            ref_rejected,
            chosen_len,
            rejected_len,
            weight,
            margin,
            preference,
        ] = words;
        let (result_offset, result_stride) =
            planes(op, "result", PLANES.len(), n, shape.result, &buffers.result)?;
        Ok(PairArgs {
            n: index(op, "n", n)?,
            result_offset,
            result_stride,
            scale: f32::from_bits(word(shape.reduction.scale())),
            chosen_offset: chosen.0,
            chosen_stride: chosen.1,
            rejected_offset: rejected.0,
            rejected_stride: rejected.1,
            ref_chosen_offset: ref_chosen.0,
            ref_chosen_stride: ref_chosen.1,
            ref_rejected_offset: ref_rejected.0,
            ref_rejected_stride: ref_rejected.1,
            chosen_len_offset: chosen_len.0,
            chosen_len_stride: chosen_len.1,
            rejected_len_offset: rejected_len.0,
            rejected_len_stride: rejected_len.1,
            weight_offset: weight.0,
            weight_stride: weight.1,
            margin_offset: margin.0,
            margin_stride: margin.1,
            preference_offset: preference.0,
            preference_stride: preference.1,
            extras,
            ..self.header
        })
    }

    /// Offset and stride of each plane, 0 for those that are not read, and which of the optional ones are.
    fn planes(&self, shape: &PairShape, buffers: &PairBuffers<'_>) -> Result<(u32, [(u32, u32); 9]), Error> {
        let [margins, preferences] = self.takes;
        shape.margin.map_or(Ok(()), |_| margins)?;
        shape.preference.map_or(Ok(()), |_| preferences)?;
        let read = |bit, plane| Some(plane).filter(|_| self.header.extras & bit != 0);
        let (inputs, constants) = (&buffers.inputs, &buffers.constants);
        let all = [
            ("chosen", 0, Some(shape.chosen), inputs),
            ("rejected", 0, Some(shape.rejected), inputs),
            ("ref_chosen", REFERENCES, read(REFERENCES, shape.ref_chosen), constants),
            ("ref_rejected", REFERENCES, read(REFERENCES, shape.ref_rejected), constants),
            ("chosen_len", LENGTHS, read(LENGTHS, shape.chosen_len), constants),
            ("rejected_len", LENGTHS, read(LENGTHS, shape.rejected_len), constants),
            ("weight", WEIGHTS, shape.weight, constants),
            ("margin", MARGINS, shape.margin, constants),
            ("preference", PREFERENCES, shape.preference, constants),
        ];
        let (mut extras, mut words) = (0, [(0, 0); 9]);
        for ((arg, bit, plane, buffer), words) in all.into_iter().zip(&mut words) {
            if let Some(plane) = plane {
                *words = plane.words(self.params.op, arg, shape.n as u64, buffer)?;
                extras |= bit;
            }
        }
        Ok((extras, words))
    }
}
