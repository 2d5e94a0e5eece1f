//! Whole steps of a loss on single responses: four plans in one recording, on slices of two workspaces.

use bellwether_core::logprob::{Linear, SequenceSum};
use bellwether_core::sig::token_rows::PLANES as TOKENS;
use bellwether_core::sig::{segment_stats::PLANES as SUMS, token_rows::LOGP};
use bellwether_cpu_ref::token_map::MapRow;
use bellwether_gpu::{
    Dialect, FusedBackward, FusedForward, FusedLinear, FusedShape, KeepWords, MapBuffers, MapShape, Plane,
    Recorded, SegmentBackward, SegmentForward, SegmentShape, SegmentStats, Slice, TokenMap, Upstream, View,
    wgpu,
};

use super::layout::label_words;
use super::linear::scratch_elements;
use super::{Arena, Handle, Memory, Rig};
use crate::problem::{RunError, SingleStep, singles};

/// Planes are apart by a multiple of what a binding may begin at.
const ALIGN: usize = 64;

/// The arrays of a step.
struct Arrays<'r> {
    memory: Memory<'r>,
    shape: FusedShape,
    /// Hidden states, weight, bias.
    head: [Handle; 3],
    gradients: [Handle; 3],
    scratch: Handle,
    labels: Handle,
    constants: Handle,
    /// Where each constant begins, and how far its values are apart.
    places: Vec<[usize; 2]>,
    /// The planes of tokens, and the gradient of each token's log-probability behind them.
    tokens: Handle,
    /// Sums of sequences, the map's planes behind them, the sum of the losses last.
    responses: Handle,
}

impl<'r> Arrays<'r> {
    fn new<O: MapRow>(rig: &'r Rig, p: &SingleStep<O>) -> Result<Self, RunError> {
        let (n, stride) = (p.labels.len(), p.responses.next_multiple_of(ALIGN));
        let shape = FusedShape::packed(n, p.v(), p.h, p.rules);
        let mut arena = Arena::new(rig);
        let head = [("hidden", &p.hidden), ("weight", &p.weight), ("bias", &p.bias)]
            .map(|(name, x)| arena.input(name, &singles(x)));
        let gradients = [("d_hidden", &p.hidden), ("d_weight", &p.weight), ("d_bias", &p.bias)]
            .map(|(name, x)| arena.output(name, x.len()));
        let scratch = arena.output("scratch", scratch_elements(&shape)?);
        let labels = arena.words("labels", label_words(&p.labels));
        let (mut all, mut places) = (Vec::new(), Vec::new());
        for constant in &p.constants {
            places.push([all.len(), p.distance(constant)]);
            all.extend(singles(constant));
        }
        let constants = arena.input("constants", &all);
        let tokens = arena.output("tokens", (TOKENS.len() + 1) * n.next_multiple_of(ALIGN));
        let planes = SUMS.len() + O::PLANES.count() + SUMS.len();
        let responses = arena.output("responses", planes * stride);
        let memory = arena.commit()?;
        Ok(Self { memory, shape, head, gradients, scratch, labels, constants, places, tokens, responses })
    }
}

/// What a step gives.
pub struct SingleResults {
    /// Per response.
    pub losses: Vec<f32>,
    /// Their sum, reduced.
    pub sum: f32,
    /// Gradients of hidden states, weight and bias.
    pub gradients: [Vec<f32>; 3],
}

/// The plans, and what they share.
struct Step<'a, 'r, O> {
    problem: &'a SingleStep<O>,
    arrays: &'a Arrays<'r>,
    device: &'a wgpu::Device,
    head: FusedLinear,
    sums: SegmentStats,
    map: TokenMap,
    /// Elements from one plane of tokens, and of responses, to the next.
    rows: usize,
    stride: usize,
}

impl<'r, O: MapRow> Step<'_, 'r, O> {
    fn part(&self, handle: Handle, first: usize, count: usize) -> Slice<'_> {
        self.arrays.memory.slice(handle).part(first as u64, count as u64)
    }

    fn head_shape(&self) -> FusedShape {
        FusedShape { result_stride: self.rows, ..self.arrays.shape }
    }

    /// Sequences of kept tokens; the map's gradient is the upstream one.
    fn kept(&self) -> SegmentShape {
        SegmentShape {
            keep: Some(KeepWords::from(&self.problem.rules)),
            result: Plane { offset: 0, stride: self.stride },
            upstream: Plane::at((SUMS.len() + O::PLANES.outputs.len()) * self.stride),
            ..SegmentShape::padded(self.problem.responses, self.problem.len)
        }
    }

    /// Where the sum of the losses stands.
    fn last(&self) -> usize {
        (SUMS.len() + O::PLANES.count()) * self.stride
    }

    /// Hidden states → log-probabilities of responses.
    fn forward(&self) -> Result<Recorded, RunError> {
        let a = self.arrays;
        let [hidden, weight, bias] = a.head.map(|handle| a.memory.slice(handle));
        let [labels, scratch] = [a.labels, a.scratch].map(|handle| a.memory.slice(handle));
        let result = self.part(a.tokens, 0, TOKENS.len() * self.rows);
        let buffers = FusedForward { hidden, weight, bias: Some(bias), labels, scratch, result };
        let mut recorded = self.head.forward(self.device, &self.head_shape(), &buffers)?;
        let buffers = SegmentForward {
            values: self.part(a.tokens, LOGP * self.rows, self.problem.labels.len()),
            words: Some(labels),
            result: self.part(a.responses, 0, SUMS.len() * self.stride),
        };
        recorded.append(self.sums.forward(self.device, &self.kept(), &buffers)?);
        Ok(recorded)
    }

    /// Log-probabilities of responses → losses and gradients, and the sum of the losses.
    fn losses(&self) -> Result<Recorded, RunError> {
        let (a, p) = (self.arrays, self.problem);
        let mut shape = MapShape::packed(p.responses, 1, p.reduction);
        shape.result.stride = self.stride;
        for (view, &[offset, row]) in shape.constants.iter_mut().zip(&a.places) {
            *view = View { offset, row, col: 1 };
        }
        let result = self.part(a.responses, SUMS.len() * self.stride, O::PLANES.count() * self.stride);
        let inputs = self.part(a.responses, 0, p.responses);
        let constants = Some(a.memory.slice(a.constants));
        let buffers = MapBuffers { inputs, constants, mask: None, result };
        let mut recorded = self.map.forward(self.device, &shape, &buffers)?;
        let total = SegmentShape {
            scale: p.reduction.scale() as f32,
            result: Plane { offset: 0, stride: 1 },
            ..SegmentShape::padded(1, p.responses)
        };
        let to = self.part(a.responses, self.last(), SUMS.len());
        let buffers = SegmentForward { values: result, words: None, result: to };
        recorded.append(self.sums.forward(self.device, &total, &buffers)?);
        Ok(recorded)
    }

    /// Gradients of responses → those of hidden states, weight and bias.
    fn backward(&self) -> Result<Recorded, RunError> {
        let a = self.arrays;
        let labels = a.memory.slice(a.labels);
        let buffers = SegmentBackward {
            rows: self.part(a.responses, 0, self.last()),
            words: Some(labels),
            d_values: self.part(a.tokens, TOKENS.len() * self.rows, self.problem.labels.len()),
        };
        let mut recorded = self.sums.backward(self.device, &self.kept(), &buffers)?;
        let [hidden, weight, bias] = a.head.map(|handle| a.memory.slice(handle));
        let [d_hidden, d_weight, d_bias] = a.gradients.map(|handle| a.memory.slice(handle));
        let buffers = FusedBackward {
            hidden,
            weight,
            bias: Some(bias),
            labels,
            rows: a.memory.slice(a.tokens),
            scratch: a.memory.slice(a.scratch),
            d_hidden,
            d_weight,
            d_bias: Some(d_bias),
            saved: 0,
            upstream: Upstream { offset: TOKENS.len() * self.rows, stride: self.rows, mask: 1 },
        };
        recorded.append(self.head.backward(self.device, &self.head_shape(), &buffers)?);
        Ok(recorded)
    }
}

impl Rig {
    /// A whole step.
    ///
    /// # Errors
    /// What the host or the device refuses.
    pub fn single_step<O: MapRow>(&self, p: &SingleStep<O>) -> Result<SingleResults, RunError> {
        let kernel = |source| self.kernel_in(source, Dialect::POOLED);
        let arrays = Arrays::new(self, p)?;
        let step = Step {
            problem: p,
            arrays: &arrays,
            device: self.context.device(),
            head: FusedLinear::compile_with(&Linear::default(), kernel)?,
            sums: SegmentStats::compile_with(&SequenceSum {}, kernel)?,
            map: TokenMap::compile_with(&p.op, kernel)?,
            rows: p.labels.len().next_multiple_of(ALIGN),
            stride: p.responses.next_multiple_of(ALIGN),
        };
        let mut recorded = step.forward()?;
        recorded.append(step.losses()?);
        recorded.append(step.backward()?);
        let [x, w, c] = arrays.gradients;
        let [responses, d_hidden, d_weight, d_bias] =
            arrays.memory.run(&recorded, [arrays.responses, x, w, c])?;
        let losses = responses[SUMS.len() * step.stride..][..p.responses].to_vec();
        let (sum, gradients) = (responses[step.last()], [d_hidden, d_weight, d_bias]);
        Ok(SingleResults { losses, sum, gradients })
    }
}
