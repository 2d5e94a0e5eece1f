//! A whole step of a loss on single responses: the twin of [`PairStep`](super::PairStep) for maps whose first input is a
//! response's log-probability (family `unpaired`, `logprob/nll`).
//!
//! Token log-probabilities → sums over responses → losses and gradients per response → their sum → the gradient back to
//! logits, or to hidden states and weight.

use bellwether_core::logprob::{Linear, SequenceSum};
use bellwether_core::op::word;
use bellwether_core::sig::token_map::{MOST, MapOp};
use bellwether_core::sig::token_rows::{Labels, Shift};
use bellwether_core::sig::{Reduction, segment_stats, token_rows};
use bellwether_shaders::{Dialect, Source};

use super::head::Head;
use super::layout::Regions;
use super::{ReferenceKind, Region, StepSource};
use crate::error::{Error, index, product};
use crate::kernel::Kernel;
use crate::record::{Call, Recorded, record};
use crate::sig::segment_stats::KeepWords;
use crate::sig::{FusedLinear, MapShape, SegmentShape, SegmentStats, TokenMap};
use crate::slice::{ELEMENT, Limits, Plane, Slice, View};

const OP: &str = "single_step";
/// The constant that the step forms itself.
const REFERENCE: &str = "ref_logp";

/// The plan of a step: all kernels, compiled, in the pooled dialect.
#[derive(Clone, Debug)]
pub struct SingleStep {
    fused: FusedLinear,
    sum: SegmentStats,
    map: TokenMap,
}

/// One batch: `responses` sequences of `len` rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SingleShape {
    /// Responses `B`.
    pub responses: usize,
    /// Rows `T` per response, padding included.
    pub len: usize,
    /// Logits per row; 0 where token log-probabilities are given.
    pub v: usize,
    /// The label of a row that is not counted.
    pub ignore_index: i32,
    /// Which label scores which row.
    pub shift: Shift,
    /// How responses become one number.
    pub reduction: Reduction,
    /// Multiplies the reduced loss and all gradients beside the reduction: what the loss counts beside others of the
    /// same batch, as the likelihood of Triple PO's best responses does. Finite.
    pub weight: f64,
    /// What is known of the reference, where the loss reads it.
    pub reference: ReferenceKind,
}

/// A constant of the loss, f32.
#[derive(Clone, Copy, Debug)]
pub enum SingleConstant<'a> {
    /// `[B]`.
    Each(Slice<'a>),
    /// One for all responses: the baseline of KTO or the running mean of BCO.
    All(Slice<'a>),
}

/// The caller's buffers.
#[derive(Clone, Copy, Debug)]
pub struct SingleBuffers<'a> {
    /// Inputs and gradients, `[B, T, ...]` where a step of pairs has `[2B, T, ...]`.
    pub source: StepSource<'a>,
    /// i32 `[B, T]`.
    pub labels: Slice<'a>,
    /// f32 `[B, T]` or `[B]`: [`SingleShape::reference`]; `None` where the loss does not read it.
    pub reference: Option<Slice<'a>>,
    /// f32 `[B]` each: the loss's inputs behind the log-probability, as [`Dro`](bellwether_core::unpaired::Dro)'s value.
    /// Their gradients stand in the planes of the map.
    pub inputs: &'a [Slice<'a>],
    /// The loss's constants but for the reference, in their order.
    pub constants: &'a [SingleConstant<'a>],
    /// [`SingleLayout::bytes`] of [`SingleStep::layout`], which says where results stand.
    pub workspace: Slice<'a>,
}

/// Where everything stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SingleLayout {
    /// The planes of TokenRows, `[10, B·T]`; none where token log-probabilities are given.
    pub token: Region,
    /// The gradient by the token log-probabilities, `[1, B·T]`.
    pub upstream: Region,
    /// The planes of SegmentStats for the policy, `[3, B]`: sequence log-probabilities and lengths.
    pub sequences: Region,
    /// The loss's other inputs, plane 0 of `[3, B]` each.
    inputs: [Region; MOST - 1],
    /// The planes of SegmentStats for the reference; its counts mean nothing under [`ReferenceKind::PerSequence`].
    pub references: Region,
    /// The loss's other constants, plane 0 of `[3, B]` each.
    constants: [Region; MOST],
    /// The planes of the map, `[outputs + inputs + 1, B]`.
    pub map: Region,
    /// Plane 0 holds the reduced loss, `[3, 1]`.
    pub summary: Region,
    /// Bytes of the workspace.
    pub bytes: u64,
}

impl SingleShape {
    fn rows(&self) -> Result<usize, Error> {
        let rows = product(OP, "rows", self.responses as u64, self.len as u64)?;
        usize::try_from(rows).map_err(|_| Error::SizeOverflow { op: OP, arg: "rows" })
    }

    /// The rules of the labels.
    #[must_use]
    pub const fn labels(&self) -> Labels {
        Labels { ignore_index: self.ignore_index, shift: self.shift, seq_len: self.len }
    }
}

/// Everything that the parts of one recording share.
struct Recording<'a, 'b> {
    plan: &'a SingleStep,
    limits: Limits,
    shape: &'b SingleShape,
    layout: SingleLayout,
    buffers: &'b SingleBuffers<'a>,
    calls: Vec<Call<'a>>,
}

impl SingleStep {
    /// Compiles every kernel of the step. `linear` gives the temperature, whether logits or hidden states come in.
    ///
    /// # Errors
    /// Parameters outside their range, and those of [`Kernel::new`].
    pub fn new<O: MapOp>(device: &wgpu::Device, op: &O, linear: &Linear) -> Result<Self, Error> {
        Self::compile_with(op, linear, |source| Kernel::new(device, source, Dialect::POOLED))
    }

    /// The plan with kernels of the caller's making, in a pooled dialect.
    ///
    /// # Errors
    /// As [`SingleStep::new`], and those of `compile`.
    pub fn compile_with<O: MapOp>(
        op: &O,
        linear: &Linear,
        mut compile: impl FnMut(&'static Source) -> Result<Kernel, Error>,
    ) -> Result<Self, Error> {
        let fused = FusedLinear::compile_with(linear, &mut compile)?;
        let sum = SegmentStats::compile_with(&SequenceSum {}, &mut compile)?;
        let map = TokenMap::compile_with(op, &mut compile)?;
        Ok(Self { fused, sum, map })
    }

    /// Where the results of a step stand; the same on every device.
    ///
    /// # Errors
    /// [`Error::SizeOverflow`] where an index of 32 bits does not reach the end.
    pub fn layout(&self, shape: &SingleShape) -> Result<SingleLayout, Error> {
        let (n, b) = (shape.rows()?, shape.responses);
        // Every region is shorter than eight times this, so nothing below overflows.
        index(OP, "workspace", product(OP, "workspace", n.max(b) as u64, 64)?)?;
        let (mut regions, aligned, sums) =
            (Regions::default(), Regions::aligned(b), segment_stats::PLANES.len());
        let token = regions.add(if shape.v == 0 { 0 } else { token_rows::PLANES.len() }, n, n);
        let upstream = regions.add(1, n, n);
        let sequences = regions.add(sums, aligned, b);
        let inputs = [(); MOST - 1].map(|()| regions.add(sums, aligned, b));
        let references = regions.add(sums, aligned, b);
        let constants = [(); MOST].map(|()| regions.add(sums, aligned, b));
        let map = regions.add(self.map.names().count(), aligned, b);
        let summary = regions.add(sums, 1, 1);
        index(OP, "workspace", regions.end)?;
        let bytes = regions.end * ELEMENT;
        Ok(SingleLayout { token, upstream, sequences, inputs, references, constants, map, summary, bytes })
    }

    /// Makes everything that one batch needs: argument blocks and bind groups. The list is encoded as often as the
    /// buffers' contents change.
    ///
    /// # Errors
    /// Shapes that the buffers do not hold, arrays that the loss has not or that are missing, limits, aliasing: see
    /// [`Error`].
    pub fn record(
        &self,
        device: &wgpu::Device,
        shape: &SingleShape,
        buffers: &SingleBuffers<'_>,
    ) -> Result<Recorded, Error> {
        let layout = self.layout(shape)?;
        self.check(shape, buffers)?;
        buffers.workspace.holds(OP, "workspace", layout.bytes / ELEMENT)?;
        let limits = Limits::of(device);
        let mut recording = Recording { plan: self, limits, shape, layout, buffers, calls: Vec::new() };
        if shape.responses > 0 {
            recording.head().forward(&mut recording.calls)?;
            recording.sequences()?;
            recording.constants()?;
            recording.map()?;
            recording.sequences_backward()?;
        }
        recording.head().backward(&mut recording.calls)?;
        record(device, &recording.calls)
    }

    /// As many arrays as the loss has, and the first of them a log-probability.
    fn check(&self, shape: &SingleShape, buffers: &SingleBuffers<'_>) -> Result<(), Error> {
        let names = self.map.names();
        let count = |arg, expected: usize, given: usize| {
            let (expected, given) = (expected as u64, given as u64);
            let wrong = Error::ShapeMismatch { op: OP, arg, expected, given };
            if expected == given { Ok(()) } else { Err(wrong) }
        };
        shape.reduction.check(OP)?;
        bellwether_core::op::require(shape.weight.is_finite(), OP, "weight", shape.weight, "finite")?;
        if shape.responses > 0 && shape.len == 0 {
            return count("len", 1, 0);
        }
        count("inputs (the first is logp)", usize::from(names.inputs.first() == Some(&"logp")), 1)?;
        count("inputs", names.inputs.len() - 1, buffers.inputs.len())?;
        let reads = usize::from(names.constants.contains(&REFERENCE));
        count("reference", reads, buffers.reference.iter().count())?;
        count("constants", names.constants.len() - reads, buffers.constants.len())
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

    /// Segments of one response each, kept by the labels.
    fn kept(&self) -> SegmentShape {
        let shape = SegmentShape::padded(self.shape.responses, self.shape.len);
        SegmentShape { keep: Some(KeepWords::from(&self.shape.labels())), ..shape }
    }

    /// A sum of one term each copies.
    fn copied(&mut self, from: Slice<'a>, to: Region, count: usize) -> Result<(), Error> {
        let shape = SegmentShape::padded(count, 1);
        self.sum(from, to, shape)
    }

    fn sum(&mut self, from: Slice<'a>, to: Region, shape: SegmentShape) -> Result<(), Error> {
        let shape = SegmentShape { result: Plane { offset: 0, stride: to.stride }, ..shape };
        let buffers = [from, self.buffers.labels, to.slice(self.buffers.workspace)];
        self.plan.sum.plan_forward(&shape, buffers, &mut self.calls)
    }

    /// Token log-probabilities → those of responses, and the loss's other inputs beside them.
    fn sequences(&mut self) -> Result<(), Error> {
        let (values, from) = self.head().logps();
        let shape = SegmentShape { values: Plane::at(from), ..self.kept() };
        self.sum(values, self.layout.sequences, shape)?;
        let given = self.buffers.inputs.iter().zip(self.layout.inputs);
        given.into_iter().try_for_each(|(from, to)| self.copied(*from, to, self.shape.responses))
    }

    /// The reference, however it comes, and the loss's other constants beside it.
    fn constants(&mut self) -> Result<(), Error> {
        if let Some(reference) = self.buffers.reference {
            let shape = match self.shape.reference {
                ReferenceKind::PerToken => self.kept(),
                ReferenceKind::PerSequence => SegmentShape::padded(self.shape.responses, 1),
            };
            self.sum(reference, self.layout.references, shape)?;
        }
        let given = self.buffers.constants.iter().zip(self.layout.constants);
        given.into_iter().try_for_each(|(from, to)| match *from {
            SingleConstant::Each(from) => self.copied(from, to, self.shape.responses),
            SingleConstant::All(from) => self.copied(from, to, 1),
        })
    }

    /// Log-probabilities of responses → losses and gradients, and the reduced loss.
    fn map(&mut self) -> Result<(), Error> {
        let (work, layout, b) = (self.buffers.workspace, self.layout, self.shape.responses);
        let mut shape = MapShape::packed(b, 1, self.shape.reduction);
        shape.result = Plane { offset: 0, stride: layout.map.stride };
        let view =
            |region: Region, origin: &Region, row| View { offset: region.from(0, origin), row, col: 1 };
        let inputs = std::iter::once(layout.sequences).chain(layout.inputs);
        for (to, region) in shape.inputs.iter_mut().zip(inputs) {
            *to = view(region, &layout.sequences, 1);
        }
        let mut given = self.buffers.constants.iter().zip(layout.constants).peekable();
        for (to, name) in shape.constants.iter_mut().zip(self.plan.map.names().constants) {
            *to = match given.next_if(|_| *name != REFERENCE) {
                None => view(layout.references, &layout.references, 1),
                Some((SingleConstant::Each(_), region)) => view(region, &layout.references, 1),
                Some((SingleConstant::All(_), region)) => view(region, &layout.references, 0),
            };
        }
        let inputs = layout.sequences.until(&layout.inputs[MOST - 2], work);
        let constants = layout.references.until(&layout.constants[MOST - 1], work);
        let bound = [inputs, constants, self.buffers.labels, layout.map.slice(work)];
        self.plan.map.plan_forward(&shape, bound, self.shape.weight, &mut self.calls)?;
        let scale = f32::from_bits(word(self.shape.reduction.scale() * self.shape.weight));
        self.sum(layout.map.slice(work), layout.summary, SegmentShape { scale, ..SegmentShape::padded(1, b) })
    }

    /// The responses' gradients → the token log-probabilities' gradients.
    fn sequences_backward(&mut self) -> Result<(), Error> {
        let (work, layout) = (self.buffers.workspace, &self.layout);
        let outputs = self.plan.map.names().outputs.len();
        let shape = SegmentShape {
            result: Plane { offset: 0, stride: layout.sequences.stride },
            upstream: Plane::at(layout.map.from(outputs, &layout.sequences)),
            ..self.kept()
        };
        let rows = layout.sequences.until(&layout.map, work);
        let buffers = [rows, self.buffers.labels, self.head().d_logps()];
        self.plan.sum.plan_backward(&shape, buffers, &mut self.calls)
    }
}
