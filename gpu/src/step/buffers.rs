//! The buffers of a step: all are the caller's.

use crate::slice::Slice;

/// Where log-probabilities come from and where gradients go.
#[derive(Clone, Copy, Debug)]
pub enum StepSource<'a> {
    /// They are given; [`StepShape::v`](super::StepShape::v) is 0.
    Logps {
        /// f32 `[2B, T]`.
        logps: Slice<'a>,
        /// f32 `[2B, T]`, overwritten.
        d_logps: Slice<'a>,
    },
    /// From logits.
    Logits {
        /// f32 `[2B, T, V]`.
        logits: Slice<'a>,
        /// f32 `[2B, T, V]`, overwritten.
        d_logits: Slice<'a>,
    },
    /// From hidden states; logits never stand in memory as a whole.
    Hidden {
        /// f32 `[2B, T, H]`.
        hidden: Slice<'a>,
        /// f32 `[V, H]`.
        weight: Slice<'a>,
        /// f32 `[V]`.
        bias: Option<Slice<'a>>,
        /// f32 `[2B, T, H]`, overwritten.
        d_hidden: Slice<'a>,
        /// f32 `[V, H]`, overwritten.
        d_weight: Slice<'a>,
        /// f32 `[V]`, overwritten; only beside a bias.
        d_bias: Option<Slice<'a>>,
        /// [`FusedShape::scratch_bytes`](crate::FusedShape::scratch_bytes).
        scratch: Slice<'a>,
        /// Hidden size.
        h: usize,
        /// Rows of the tile of logits that stands in memory; a multiple of 256.
        chunk: usize,
        /// Columns of that tile; a multiple of 2048, or all.
        columns: usize,
    },
}

/// The tails of responses, for length-desensitised losses.
#[derive(Clone, Copy, Debug)]
pub struct StepTail<'a> {
    /// u32 `[2B·T + 4B + 1]`, as [`tail_words`](bellwether_core::pair::tail_words) makes them of the labels.
    pub words: Slice<'a>,
    /// What a tail's log-probabilities are multiplied by, in policy and reference (where that is given per token); in
    /// [0, 1].
    pub weight: f64,
}

/// What pairs bring along, f32 `[B]` each: see [`PairShape`](crate::PairShape).
#[derive(Clone, Copy, Debug, Default)]
pub struct StepExtras<'a> {
    /// Weights.
    pub weight: Option<Slice<'a>>,
    /// Margins.
    pub margin: Option<Slice<'a>>,
    /// Probabilities that the chosen response is the better one.
    pub preference: Option<Slice<'a>>,
    /// What is beyond the length that both responses of a pair have.
    pub tail: Option<StepTail<'a>>,
}

/// The caller's buffers.
#[derive(Clone, Copy, Debug)]
pub struct StepBuffers<'a> {
    /// Inputs and gradients.
    pub source: StepSource<'a>,
    /// i32 `[2B, T]`.
    pub labels: Slice<'a>,
    /// f32 `[2B, T]` or `[2B]`: [`StepShape::reference`](super::StepShape::reference).
    pub reference: Slice<'a>,
    /// [`StepShape::workspace_bytes`](super::StepShape::workspace_bytes); results stand where [`StepShape::layout`](super::StepShape::layout) says.
    pub workspace: Slice<'a>,
    /// Weights, margins and preferences of the pairs.
    pub extras: StepExtras<'a>,
}

impl<'a> StepBuffers<'a> {
    /// Buffers of a step whose pairs bring nothing along.
    #[must_use]
    pub fn new(
        source: StepSource<'a>,
        labels: Slice<'a>,
        reference: Slice<'a>,
        workspace: Slice<'a>,
    ) -> Self {
        Self { source, labels, reference, workspace, extras: StepExtras::default() }
    }
}
