//! A whole step of token-level DPO: both models' logits in, the gradient of the policy's out.
//!
//! Log-probabilities and divergences per token, from one read of both rows → sums over responses → loss, rewards and
//! gradients per pair → the gradient of the policy's logits, in one dispatch for both terms.

use bellwether_core::logprob::{Kl, SequenceSum};
use bellwether_core::op::word;
use bellwether_core::pair::{Link, PairLoss, SequentialKl};
use bellwether_core::sig::logit_pairs::{By, LOGP, PLANES, REF_LOGP, VALUE as KL};
use bellwether_core::sig::pair_rows::{self, D_CHOSEN};
use bellwether_core::sig::segment_stats::{self, COUNT, VALUE};
use bellwether_shaders::{Dialect, Source};

use super::layout::Regions;
use super::{Region, StepShape};
use crate::error::{Error, index, product};
use crate::kernel::Kernel;
use crate::record::{Call, Recorded, record};
use crate::sig::logit_pairs::PairWindow;
use crate::sig::segment_stats::KeepWords;
use crate::sig::token_rows::Rows;
use crate::sig::{
    Extent, LogitPairBackward, LogitPairForward, LogitPairShape, LogitPairs, PairBuffers, PairRows,
    PairShape, SegmentShape, SegmentStats, Upstream,
};
use crate::slice::{ELEMENT, Limits, Plane, Slice};

const OP: &str = "tdpo_step";

/// The plan of a step: all kernels, compiled, in the pooled dialect.
#[derive(Clone, Debug)]
pub struct TdpoStep {
    term: SequentialKl,
    divergence: LogitPairs,
    sum: SegmentStats,
    pair: PairRows,
}

/// The caller's buffers.
#[derive(Clone, Copy, Debug)]
pub struct TdpoBuffers<'a> {
    /// f32 `[2B, T, V]`: the policy's.
    pub logits: Slice<'a>,
    /// f32 `[2B, T, V]`: the reference's.
    pub ref_logits: Slice<'a>,
    /// f32 `[2B, T, V]`, overwritten.
    pub d_logits: Slice<'a>,
    /// i32 `[2B, T]`.
    pub labels: Slice<'a>,
    /// [`TdpoLayout::bytes`] of [`TdpoStep::layout`], which says where results stand.
    pub workspace: Slice<'a>,
}

/// Where everything stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TdpoLayout {
    /// The planes of `logprob/kl`, `[10, 2B·T]`.
    pub token: Region,
    /// The gradients by the token log-probabilities and by the divergences, `[2, 2B·T]`.
    pub upstream: Region,
    /// Plane 0: each response's `Σ logp + κ F`, of `[3, 2B]`.
    pub scores: Region,
    /// The planes of SegmentStats for the log-probabilities, `[3, 2B]`: sums and lengths.
    pub sequences: Region,
    /// The same for the divergences, times κ.
    pub divergences: Region,
    /// The same for the reference's log-probabilities.
    pub references: Region,
    /// The planes of PairRows, `[8, B]`.
    pub pair: Region,
    /// Plane 0 of `[3, 5]` holds the reduced loss, rewards, margin and accuracy.
    pub summary: Region,
    /// Bytes of the workspace.
    pub bytes: u64,
}

/// Everything that the parts of one recording share.
struct Recording<'a, 'b> {
    plan: &'a TdpoStep,
    limits: Limits,
    shape: &'b StepShape,
    layout: TdpoLayout,
    buffers: &'b TdpoBuffers<'a>,
    calls: Vec<Call<'a>>,
}

impl TdpoStep {
    /// Compiles every kernel of the step; `divergence` gives the temperature of both rows.
    ///
    /// # Errors
    /// Parameters outside their range, combinations that mean nothing, and those of [`Kernel::new`].
    pub fn new<L: Link>(
        device: &wgpu::Device,
        loss: &PairLoss<L>,
        term: &SequentialKl,
        divergence: &Kl,
    ) -> Result<Self, Error> {
        Self::compile_with(loss, term, divergence, |source| Kernel::new(device, source, Dialect::POOLED))
    }

    /// The plan with kernels of the caller's making, in a pooled dialect.
    ///
    /// # Errors
    /// As [`TdpoStep::new`], and those of `compile`.
    pub fn compile_with<L: Link>(
        loss: &PairLoss<L>,
        term: &SequentialKl,
        divergence: &Kl,
        mut compile: impl FnMut(&'static Source) -> Result<Kernel, Error>,
    ) -> Result<Self, Error> {
        term.check()?;
        let divergence = LogitPairs::compile_with(divergence, &mut compile)?;
        let sum = SegmentStats::compile_with(&SequenceSum {}, &mut compile)?;
        let pair = PairRows::compile_with(loss, &mut compile)?;
        Ok(Self { term: *term, divergence, sum, pair })
    }

    /// Where the results of a step stand; the same on every device. Of the shape, `reference` is not looked at.
    ///
    /// # Errors
    /// [`Error::SizeOverflow`] where an index of 32 bits does not reach the end.
    pub fn layout(shape: &StepShape) -> Result<TdpoLayout, Error> {
        let (n, sequences) = (shape.rows()?, shape.sequences()?);
        // Every region is shorter than eight times this, so nothing below overflows.
        index(OP, "workspace", product(OP, "workspace", n.max(sequences) as u64, 32)?)?;
        let (mut regions, sums) = (Regions::default(), segment_stats::PLANES.len());
        let token = regions.add(PLANES, n, n);
        let upstream = regions.add(2, n, n);
        let aligned = Regions::aligned(sequences);
        let [scores, of_logps, divergences, references] =
            [(); 4].map(|()| regions.add(sums, aligned, sequences));
        // No gap: the two planes of gradients are one array over all responses.
        let pair = regions.add(pair_rows::PLANES.len(), shape.pairs, shape.pairs);
        let summary = regions.add(sums, pair_rows::LOGGED, pair_rows::LOGGED);
        index(OP, "workspace", regions.end)?;
        let bytes = regions.end * ELEMENT;
        let sequences = of_logps;
        Ok(TdpoLayout { token, upstream, scores, sequences, divergences, references, pair, summary, bytes })
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
        buffers: &TdpoBuffers<'_>,
    ) -> Result<Recorded, Error> {
        let layout = Self::layout(shape)?;
        if shape.pairs == 0 {
            return Ok(Recorded::default());
        }
        if shape.len == 0 {
            return Err(Error::ShapeMismatch { op: OP, arg: "len", expected: 1, given: 0 });
        }
        buffers.workspace.holds(OP, "workspace", layout.bytes / ELEMENT)?;
        let limits = Limits::of(device);
        let mut recording = Recording { plan: self, limits, shape, layout, buffers, calls: Vec::new() };
        recording.tokens()?;
        recording.scores()?;
        recording.pair()?;
        recording.upstream()?;
        recording.gradient()?;
        record(device, &recording.calls)
    }
}

impl<'a> Recording<'a, '_> {
    fn rows_shape(&self) -> LogitPairShape {
        LogitPairShape::packed(self.layout.token.n, self.shape.v, self.shape.labels())
    }

    /// Both models' logits → the token planes.
    fn tokens(&mut self) -> Result<(), Error> {
        let TdpoBuffers { logits, ref_logits, labels, workspace, .. } = *self.buffers;
        let to = LogitPairForward { logits, ref_logits, labels, result: self.layout.token.slice(workspace) };
        let (shape, rows) = (self.rows_shape(), Rows { base: 0, n: self.layout.token.n as u64 });
        self.plan.divergence.plan_forward(&self.limits, &shape, rows, &to, &mut self.calls)
    }

    /// Responses `first..first + count`, kept by the labels.
    fn kept(&self, first: usize, count: usize) -> SegmentShape {
        let words = KeepWords::from(&self.shape.labels());
        let keep = Some(KeepWords { offset: first * self.shape.len, ..words });
        SegmentShape { keep, ..SegmentShape::padded(count, self.shape.len) }
    }

    fn sum(&mut self, from: Slice<'a>, to: Region, shape: SegmentShape) -> Result<(), Error> {
        let shape = SegmentShape { result: Plane { offset: 0, stride: to.stride }, ..shape };
        let buffers = [from, self.buffers.labels, to.slice(self.buffers.workspace)];
        self.plan.sum.plan_forward(&shape, buffers, &mut self.calls)
    }

    /// A plane of the tokens → sums over responses, times a weight.
    fn of_tokens(&mut self, plane: usize, to: Region, weight: f64) -> Result<(), Error> {
        let (layout, all) = (self.layout, self.kept(0, 2 * self.shape.pairs));
        let values = Plane::at(layout.token.from(plane, &layout.token));
        let shape = SegmentShape { values, scale: f32::from_bits(word(weight)), ..all };
        self.sum(layout.token.slice(self.buffers.workspace), to, shape)
    }

    /// Log-probabilities and divergences of tokens → a score per response.
    fn scores(&mut self) -> Result<(), Error> {
        let layout = self.layout;
        self.of_tokens(LOGP, layout.sequences, 1.0)?;
        self.of_tokens(REF_LOGP, layout.references, 1.0)?;
        self.of_tokens(KL, layout.divergences, self.plan.term.weight)?;
        // Segments of two: a response's log-probability, and its divergence a fixed distance behind.
        let shape = SegmentShape {
            extent: Extent::Padded { len: 2, stride: 1 },
            values: Plane { offset: 0, stride: layout.divergences.from(VALUE, &layout.sequences) },
            ..SegmentShape::padded(2 * self.shape.pairs, 2)
        };
        let from = layout.sequences.until(&layout.divergences, self.buffers.workspace);
        self.sum(from, layout.scores, shape)
    }

    /// Scores → losses, rewards, gradients, and what a training logs of them.
    fn pair(&mut self) -> Result<(), Error> {
        let (work, layout, pairs) = (self.buffers.workspace, self.layout, self.shape.pairs);
        let counts = layout.sequences.plane(COUNT);
        let first = layout.references.from(VALUE, &counts);
        let shape = PairShape {
            ref_chosen: Plane::at(first),
            ref_rejected: Plane::at(first + pairs),
            chosen_len: Plane::at(0),
            rejected_len: Plane::at(pairs),
            ..PairShape::concatenated(pairs, self.shape.reduction)
        };
        let buffers = PairBuffers {
            inputs: layout.scores.plane(VALUE).slice(work),
            constants: counts.until(&layout.references, work),
            result: layout.pair.slice(work),
        };
        self.plan.pair.plan_forward(&shape, &buffers, &mut self.calls)?;
        let scale = f32::from_bits(word(self.shape.reduction.scale()));
        let shape = SegmentShape { scale, ..SegmentShape::padded(pair_rows::LOGGED, pairs) };
        self.sum(layout.pair.slice(work), layout.summary, shape)
    }

    /// The pairs' gradients → those of each token's log-probability and divergence.
    fn upstream(&mut self) -> Result<(), Error> {
        let pairs = self.shape.pairs;
        self.of_pairs(0, (0, 2 * pairs), 1.0)?;
        let [chosen, rejected] = self.plan.term.slopes();
        self.of_pairs(1, (0, pairs), chosen)?;
        self.of_pairs(1, (pairs, pairs), rejected)
    }

    /// A plane of `upstream` for `count` responses from `first` on, times a slope.
    fn of_pairs(&mut self, plane: usize, (first, count): (usize, usize), slope: f64) -> Result<(), Error> {
        let (work, layout) = (self.buffers.workspace, self.layout);
        let shape = SegmentShape {
            values: Plane::at(first * self.shape.len),
            result: Plane { offset: first, stride: layout.sequences.stride },
            upstream: Plane::at(layout.pair.from(D_CHOSEN, &layout.sequences) + first),
            scale: f32::from_bits(word(slope)),
            ..self.kept(first, count)
        };
        let rows = layout.sequences.until(&layout.pair, work);
        let to = layout.upstream.slice(work);
        let shape =
            SegmentShape { values: Plane::at(shape.values.offset + plane * layout.upstream.stride), ..shape };
        self.plan.sum.plan_backward(&shape, [rows, self.buffers.labels, to], &mut self.calls)
    }

    /// The tokens' gradients → those of the policy's logits.
    fn gradient(&mut self) -> Result<(), Error> {
        let TdpoBuffers { logits, ref_logits, labels, d_logits, workspace } = *self.buffers;
        let (token, upstream) = (&self.layout.token, &self.layout.upstream);
        let rows = token.until(upstream, workspace);
        let upstream = Upstream { offset: upstream.from(0, token), stride: upstream.stride, mask: 0b11 };
        let from = LogitPairBackward { logits, ref_logits, rows, labels, d_logits, saved: 0, upstream };
        let all = Rows { base: 0, n: token.n as u64 };
        let window = PairWindow { rows: all, column_base: 0, accumulate: false, by: By::Policy };
        self.plan.divergence.plan_backward(&self.limits, &self.rows_shape(), window, &from, &mut self.calls)
    }
}
