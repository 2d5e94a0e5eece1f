//! A whole step of a loss on pairs or, [`SingleStep`], on single responses, recorded as one list of dispatches: token
//! log-probabilities, logits or hidden states in, gradients out.
//!
//! Token log-probabilities → sums over sequences → loss, rewards and gradients per pair → means for the log → the
//! gradient back to logits, or to hidden states and weight. Nothing leaves the GPU; every buffer is the caller's.

mod buffers;
mod head;
mod layout;
mod single;
mod tail;
mod tdpo;

use bellwether_core::logprob::{Linear, SequenceSum};
use bellwether_core::op::word;
use bellwether_core::pair::{Link, PairLoss, check_tail_weight};
use bellwether_core::sig::{pair_rows, segment_stats};
use bellwether_shaders::{Dialect, Source};

pub use buffers::{StepBuffers, StepExtras, StepSource, StepTail};
use head::Head;
pub use layout::{ReferenceKind, Region, StepLayout, StepShape};
pub use single::{SingleBuffers, SingleConstant, SingleLayout, SingleShape, SingleStep};
pub use tdpo::{TdpoBuffers, TdpoLayout, TdpoStep};

use crate::error::Error;
use crate::kernel::Kernel;
use crate::record::{Call, Recorded, record};
use crate::sig::segment_stats::KeepWords;
use crate::sig::{FusedLinear, PairBuffers, PairRows, PairShape, SegmentShape, SegmentStats};
use crate::slice::{ELEMENT, Limits, Plane, Slice};

const OP: &str = "pair_step";

/// The plan of a step: all kernels, compiled, in the pooled dialect.
#[derive(Clone, Debug)]
pub struct PairStep {
    fused: FusedLinear,
    sum: SegmentStats,
    pair: PairRows,
}

/// Everything that the parts of one recording share.
struct Recording<'a, 'b> {
    plan: &'a PairStep,
    limits: Limits,
    shape: &'b StepShape,
    layout: StepLayout,
    buffers: &'b StepBuffers<'a>,
    calls: Vec<Call<'a>>,
}

impl PairStep {
    /// Compiles every kernel of the step. `linear` gives the temperature, whether logits or hidden states come in.
    ///
    /// # Errors
    /// Parameters outside their range, combinations that mean nothing, and those of [`Kernel::new`].
    pub fn new<L: Link>(device: &wgpu::Device, loss: &PairLoss<L>, linear: &Linear) -> Result<Self, Error> {
        Self::compile_with(loss, linear, |source| Kernel::new(device, source, Dialect::POOLED))
    }

    /// The plan with kernels of the caller's making, in a pooled dialect.
    ///
    /// # Errors
    /// As [`PairStep::new`], and those of `compile`.
    pub fn compile_with<L: Link>(
        loss: &PairLoss<L>,
        linear: &Linear,
        mut compile: impl FnMut(&'static Source) -> Result<Kernel, Error>,
    ) -> Result<Self, Error> {
        let fused = FusedLinear::compile_with(linear, &mut compile)?;
        let sum = SegmentStats::compile_with(&SequenceSum {}, &mut compile)?;
        let pair = PairRows::compile_with(loss, &mut compile)?;
        Ok(Self { fused, sum, pair })
    }

    /// Makes everything that one batch needs: argument blocks and bind groups. The list is encoded as often as the
    /// buffers' contents change.
    ///
    /// # Errors
    /// Shapes that the buffers do not hold, limits, aliasing: see [`Error`].
    pub fn record(
        &self,
        device: &wgpu::Device,
        shape: &StepShape,
        buffers: &StepBuffers<'_>,
    ) -> Result<Recorded, Error> {
        let layout = shape.layout()?;
        if shape.pairs > 0 && shape.len == 0 {
            return Err(Error::ShapeMismatch { op: OP, arg: "len", expected: 1, given: 0 });
        }
        buffers.workspace.holds(OP, "workspace", layout.bytes / ELEMENT)?;
        buffers.extras.tail.map_or(Ok(()), |tail| check_tail_weight(tail.weight))?;
        let limits = Limits::of(device);
        let mut recording = Recording { plan: self, limits, shape, layout, buffers, calls: Vec::new() };
        if shape.pairs == 0 {
            // The gradient by the weight is zero, and has to be written.
            recording.head().backward(&mut recording.calls)?;
            return record(device, &recording.calls);
        }
        recording.head().forward(&mut recording.calls)?;
        recording.sequences()?;
        recording.references()?;
        recording.extras()?;
        recording.pair()?;
        recording.summary()?;
        recording.sequences_backward()?;
        recording.head().backward(&mut recording.calls)?;
        record(device, &recording.calls)
    }
}

impl<'a> Recording<'a, '_> {
    fn head(&self) -> Head<'a> {
        Head {
            fused: &self.plan.fused,
            limits: self.limits,
            source: self.buffers.source,
            labels: self.buffers.labels,
            rules: self.shape.labels(),
            v: self.shape.v,
            workspace: self.buffers.workspace,
            token: self.layout.token,
            upstream: self.layout.upstream,
        }
    }

    /// Segments of one sequence each, kept by the labels.
    fn kept(&self) -> Result<SegmentShape, Error> {
        let shape = SegmentShape::padded(self.shape.sequences()?, self.shape.len);
        Ok(SegmentShape { keep: Some(KeepWords::from(&self.shape.labels())), ..shape })
    }

    /// Token log-probabilities → sequence log-probabilities.
    fn sequences(&mut self) -> Result<(), Error> {
        let (work, to) = (self.buffers.workspace, self.layout.sequences);
        let (values, from) = self.head().logps();
        let shape = SegmentShape {
            values: Plane::at(from),
            result: Plane { offset: 0, stride: to.stride },
            ..self.kept()?
        };
        let buffers = [values, self.buffers.labels, to.slice(work)];
        self.plan.sum.plan_forward(&shape, buffers, &mut self.calls)?;
        let tail = self.buffers.extras.tail;
        tail.map_or(Ok(()), |tail| self.weighted((values, from), tail, self.layout.scores))
    }

    /// The reference, however it comes, → sequence log-probabilities beside the policy's. A sum of one term copies.
    fn references(&mut self) -> Result<(), Error> {
        let to = self.layout.references;
        if let (Some(tail), ReferenceKind::PerToken) = (self.buffers.extras.tail, self.shape.reference) {
            return self.weighted((self.buffers.reference, 0), tail, to);
        }
        let shape = match self.shape.reference {
            ReferenceKind::PerToken => self.kept()?,
            ReferenceKind::PerSequence => SegmentShape::padded(self.shape.sequences()?, 1),
        };
        let shape = SegmentShape { result: Plane { offset: 0, stride: to.stride }, ..shape };
        let result = to.slice(self.buffers.workspace);
        let buffers = [self.buffers.reference, self.buffers.labels, result];
        self.plan.sum.plan_forward(&shape, buffers, &mut self.calls)
    }

    /// What pairs bring along → beside the reference. A sum of one term copies.
    fn extras(&mut self) -> Result<(), Error> {
        let given = self.buffers.extras;
        for (from, to) in [given.weight, given.margin, given.preference].into_iter().zip(self.layout.extras) {
            let Some(from) = from else { continue };
            let shape = SegmentShape {
                result: Plane { offset: 0, stride: to.stride },
                ..SegmentShape::padded(self.shape.pairs, 1)
            };
            let buffers = [from, self.buffers.labels, to.slice(self.buffers.workspace)];
            self.plan.sum.plan_forward(&shape, buffers, &mut self.calls)?;
        }
        Ok(())
    }

    /// Sequence log-probabilities → losses, rewards, gradients.
    fn pair(&mut self) -> Result<(), Error> {
        let (work, pairs) = (self.buffers.workspace, self.shape.pairs);
        let scores = self.buffers.extras.tail.map_or(self.layout.sequences, |_| self.layout.scores);
        let inputs = scores.plane(segment_stats::VALUE);
        let counts = self.layout.sequences.plane(segment_stats::COUNT);
        let reference = self.layout.references.plane(segment_stats::VALUE);
        let first = reference.from(0, &counts);
        let [weight, margin, preference] = self.layout.extras;
        let own =
            |given: Option<Slice<'_>>, region: Region| given.map(|_| Plane::at(region.from(0, &counts)));
        let given = self.buffers.extras;
        let shape = PairShape {
            ref_chosen: Plane::at(first),
            ref_rejected: Plane::at(first + pairs),
            chosen_len: Plane::at(0),
            rejected_len: Plane::at(pairs),
            weight: own(given.weight, weight),
            margin: own(given.margin, margin),
            preference: own(given.preference, preference),
            ..PairShape::concatenated(pairs, self.shape.reduction)
        };
        let buffers = PairBuffers {
            inputs: inputs.slice(work),
            constants: counts.until(&preference, work),
            result: self.layout.pair.slice(work),
        };
        self.plan.pair.plan_forward(&shape, &buffers, &mut self.calls)
    }

    /// Losses, rewards, margins, accuracies → one number each.
    fn summary(&mut self) -> Result<(), Error> {
        let (work, to) = (self.buffers.workspace, self.layout.summary);
        let shape = SegmentShape {
            scale: f32::from_bits(word(self.shape.reduction.scale())),
            ..SegmentShape::padded(pair_rows::LOGGED, self.shape.pairs)
        };
        let buffers = [self.layout.pair.slice(work), self.buffers.labels, to.slice(work)];
        self.plan.sum.plan_forward(&shape, buffers, &mut self.calls)
    }

    /// The pairs' gradients → the token log-probabilities' gradients.
    fn sequences_backward(&mut self) -> Result<(), Error> {
        let (work, layout) = (self.buffers.workspace, &self.layout);
        let shape = SegmentShape {
            result: Plane { offset: 0, stride: layout.sequences.stride },
            upstream: Plane::at(layout.pair.from(pair_rows::D_CHOSEN, &layout.sequences)),
            ..self.kept()?
        };
        let rows = layout.sequences.until(&layout.pair, work);
        if let Some(tail) = self.buffers.extras.tail {
            return self.weighted_backward(rows, shape.upstream, tail);
        }
        let to = self.head().d_logps();
        let buffers = [rows, self.buffers.labels, to];
        self.plan.sum.plan_backward(&shape, buffers, &mut self.calls)
    }
}
