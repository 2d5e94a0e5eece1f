//! Runs of FusedLinear on a rig.

use bellwether_core::Storage;
use bellwether_core::logprob::Linear;
use bellwether_core::sig::token_rows::{Labels, PLANES, UPSTREAM};
use bellwether_gpu::{FusedBackward, FusedForward, FusedLinear, FusedShape};

use super::layout::{Rows, label_words};
use super::{Arena, Rig};
use crate::problem::RunError;
use crate::storage::pack;

/// The inputs of a run.
#[derive(Clone, Copy)]
pub struct LinearRun<'a> {
    /// The operator.
    pub op: &'a Linear,
    /// Which label scores which row.
    pub rules: &'a Labels,
    /// `[n, h]`.
    pub hidden: &'a [f32],
    /// `[v, h]`.
    pub weight: &'a [f32],
    /// `[v]`.
    pub bias: Option<&'a [f32]>,
    /// Hidden size.
    pub h: usize,
    /// Rows of the weight.
    pub v: usize,
    /// `[n]`.
    pub labels: &'a [i32],
    /// `[n]` each.
    pub upstream: [Option<&'a [f32]>; UPSTREAM.len()],
    /// How hidden states and weight stand in memory.
    pub storage: Storage,
    /// Rows and columns of the tile of logits; `None`: the host's choice.
    pub tile: Option<(usize, usize)>,
}

impl LinearRun<'_> {
    fn shape(&self) -> FusedShape {
        let shape = FusedShape::packed(self.labels.len(), self.v, self.h, *self.rules);
        self.tile.map_or(shape, |(chunk, columns)| shape.tiled(chunk, columns))
    }
}

impl Rig {
    /// Forward and backward: result planes, gradients of hidden states, weight and bias.
    ///
    /// # Errors
    /// What the host or the device refuses.
    pub fn fused_linear(&self, run: &LinearRun<'_>) -> Result<[Vec<f32>; 4], RunError> {
        let (device, n) = (self.context.device(), run.labels.len());
        let shape = FusedShape { result_stride: n + self.spread().gap, ..run.shape() };
        let dialect = |source| FusedLinear::dialect_of(source, self.dialect.stored(run.storage));
        let kernels = FusedLinear::compile_with(run.op, |source| self.kernel_in(source, dialect(source)))?;
        let mut arena = Arena::new(self);
        let [x, w] = [("hidden", run.hidden), ("weight", run.weight)]
            .map(|(name, xs)| arena.words(name, pack(xs, run.storage, 0)));
        let b = run.bias.map(|bias| arena.input("bias", bias));
        let y = arena.words("labels", label_words(run.labels));
        let rows = Rows::new(&mut arena, self.spread(), (PLANES.len(), n), &run.upstream);
        let scratch = arena.output("scratch", scratch_elements(&shape)?);
        let dx = arena.output("d_hidden", run.hidden.len());
        let dw = arena.output("d_weight", run.weight.len());
        let db = arena.output("d_bias", run.bias.unwrap_or_default().len());
        let memory = arena.commit()?;
        let at = |handle| memory.slice(handle);
        let (hidden, weight, labels, scratch, bias) = (at(x), at(w), at(y), at(scratch), b.map(at));
        let forward = FusedForward { hidden, weight, bias, labels, scratch, result: rows.result(&memory) };
        let mut recorded = kernels.forward(device, &shape, &forward)?;
        let backward = FusedBackward {
            hidden,
            weight,
            bias,
            labels,
            rows: at(rows.handle),
            scratch,
            d_hidden: at(dx),
            d_weight: at(dw),
            d_bias: b.map(|_| at(db)),
            saved: rows.saved,
            upstream: rows.upstream,
        };
        recorded.append(kernels.backward(device, &shape, &backward)?);
        memory.run(&recorded, [rows.handle, dx, dw, db])
    }
}

/// Scratch of a tile, in elements.
pub(super) fn scratch_elements(shape: &FusedShape) -> Result<usize, RunError> {
    Ok(usize::try_from(shape.scratch_bytes()? / 4).unwrap_or(usize::MAX))
}
