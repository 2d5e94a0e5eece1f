//! Runs of TokenRows on a rig: every way that a framework would take.

use bellwether_core::Storage;
use bellwether_core::logprob::Token;
use bellwether_core::sig::token_rows::{Labels, PLANES, STATE, UPSTREAM};
use bellwether_gpu::{
    TokenBackward, TokenFinish, TokenForward, TokenInPlace, TokenOver, TokenPartial, TokenRows, TokenShape,
    TokenStep, Upstream,
};

use super::layout::{Rows, UpstreamPlanes, labels_and_mask};
use super::wide::Wide;
use super::{Arena, Handle, Memory, Rig, Spread};
use crate::problem::RunError;

/// The inputs of a run.
#[derive(Clone, Copy)]
pub struct TokenRun<'a> {
    /// The operator.
    pub op: &'a Token,
    /// Which label scores which row.
    pub rules: &'a Labels,
    /// `[n, v]`.
    pub logits: &'a [f32],
    /// Logits per row.
    pub v: usize,
    /// `[n]`.
    pub labels: &'a [i32],
    /// `[n]`.
    pub mask: Option<&'a [i32]>,
    /// `[n]` each.
    pub upstream: UpstreamPlanes<'a>,
    /// How logits and gradients stand in memory.
    pub storage: Storage,
    /// Elements between rows.
    pub gap: usize,
}

/// Room for the planes of `forward`, each of which must be written.
fn planes_of(arena: &mut Arena<'_>, spread: Spread, n: usize) -> Handle {
    arena.output_at("planes", PLANES.len() * n, spread.planes(n), std::iter::empty())
}

/// Planes and gradients.
type Results = Result<(Vec<f32>, Vec<f32>), RunError>;

/// An absent plane is NaN: the mask must keep the kernel from reading it.
fn upstream_numbers(n: usize, upstream: UpstreamPlanes<'_>) -> impl Iterator<Item = f32> {
    upstream.into_iter().flat_map(move |plane| (0..n).map(move |i| plane.map_or(f32::NAN, |p| p[i])))
}

/// Upstream gradients behind so many other planes, laid out as [`Spread::planes`] does.
fn upstream_at(spread: Spread, planes: usize, n: usize, upstream: UpstreamPlanes<'_>) -> Upstream {
    let mask = (0..upstream.len()).filter(|&i| upstream[i].is_some()).map(|i| 1 << i).sum();
    Upstream { offset: spread.planes(n)(planes * n), stride: n + spread.gap, mask }
}

impl<'a> TokenRun<'a> {
    /// The plain run: f32, no gaps, no mask.
    pub fn new(op: &'a Token, rules: &'a Labels, (logits, v): (&'a [f32], usize), labels: &'a [i32]) -> Self {
        let (mask, upstream, storage, gap) = (None, [None; UPSTREAM.len()], Storage::F32, 0);
        Self { op, rules, logits, v, labels, mask, upstream, storage, gap }
    }

    pub(super) fn n(&self) -> usize {
        self.labels.len()
    }

    pub(super) fn shape(&self, spread: Spread) -> TokenShape {
        let n = self.n();
        let mask = self.mask.map(|_| spread.planes(n)(n));
        let stride = self.v + self.gap;
        TokenShape {
            labels_offset: spread.lead,
            mask,
            result_offset: spread.lead,
            result_stride: n + spread.gap,
            logits_stride: stride,
            gradient_stride: stride,
            ..TokenShape::packed(n, self.v, *self.rules)
        }
    }

    /// Labels, and the mask behind them, where the shape says.
    pub(super) fn words(&self, arena: &mut Arena<'_>, spread: Spread) -> Handle {
        arena.words_at("labels", labels_and_mask(spread, self.labels, self.mask), spread.lead)
    }

    /// Columns `base .. base + width` of every row as words, with NaN in the gaps.
    pub(super) fn matrix(&self, (base, width): (usize, usize)) -> Vec<u32> {
        self.wide(width).words((0..self.n()).map(|i| &self.logits[i * self.v + base..][..width]))
    }

    /// A matrix of so many columns.
    pub(super) fn wide(&self, width: usize) -> Wide {
        Wide { storage: self.storage, n: self.n(), width, gap: self.gap }
    }
}

impl Rig {
    /// Forward and backward: result planes and the gradient of the logits.
    ///
    /// # Errors
    /// What the host or the device refuses.
    pub fn token_rows(&self, run: &TokenRun<'_>) -> Results {
        let (device, spread) = (self.context.device(), self.spread());
        let kernels = TokenRows::compile_with(run.op, |source| self.kernel_stored(source, run.storage))?;
        let mut arena = Arena::new(self);
        let before = run.matrix((0, run.v));
        let x = arena.words("logits", before.clone());
        let y = run.words(&mut arena, spread);
        let rows = Rows::new(&mut arena, spread, (PLANES.len(), run.n()), &run.upstream);
        let shape = TokenShape { result_offset: rows.saved, ..run.shape(spread) };
        let poison = run.wide(run.v).poison();
        let d_logits = arena.output("d_logits", poison.len());
        let states = arena.output("states", STATE.len() * run.n() * shape.parts());
        let memory = arena.commit()?;
        let at = |handle| memory.slice(handle);
        let scratch = (shape.parts() > 1).then(|| at(states));
        let forward = TokenForward { logits: at(x), labels: at(y), result: at(rows.handle), scratch };
        let mut recorded = kernels.forward(device, &shape, &forward)?;
        let backward = TokenBackward {
            logits: at(x),
            rows: at(rows.handle),
            labels: at(y),
            d_logits: at(d_logits),
            saved: rows.saved,
            upstream: rows.upstream,
        };
        recorded.append(kernels.backward(device, &shape, &backward)?);
        let [rows, d_logits] = memory.run(&recorded, [rows.handle, d_logits])?;
        Ok((rows, run.wide(run.v).numbers("d_logits", &d_logits, &poison)?))
    }

    /// The same with the gradients over the logits, in two kernels or in one.
    ///
    /// # Errors
    /// What the host or the device refuses.
    pub fn token_in_place(&self, run: &TokenRun<'_>, fused: bool) -> Results {
        let (device, spread, n) = (self.context.device(), self.spread(), run.n());
        let over = TokenInPlace::compile_with(run.op, |source| self.kernel_stored(source, run.storage))?;
        let mut arena = Arena::new(self);
        let before = run.matrix((0, run.v));
        let x = arena.replaced("logits", before.clone());
        let y = run.words(&mut arena, spread);
        let mut shape = run.shape(spread);
        let (rows, planes, up) = if fused {
            let numbers: Vec<f32> = upstream_numbers(n, run.upstream).collect();
            let rows = arena.input_at("upstream", &numbers, spread.planes(n));
            (rows, planes_of(&mut arena, spread, n), upstream_at(spread, 0, n, run.upstream))
        } else {
            let rows = Rows::new(&mut arena, spread, (PLANES.len(), n), &run.upstream);
            shape.result_offset = rows.saved;
            (rows.handle, rows.handle, rows.upstream)
        };
        let memory = arena.commit()?;
        let at = |handle| memory.slice(handle);
        let (logits, labels) = (at(x), at(y));
        let recorded = if fused {
            let buffers = TokenStep { logits, rows: at(rows), labels, planes: at(planes), upstream: up };
            over.step(device, &shape, &buffers)?
        } else {
            let kernels = TokenRows::compile_with(run.op, |source| self.kernel_stored(source, run.storage))?;
            let forward = TokenForward { logits, labels, result: at(rows), scratch: None };
            let mut recorded = kernels.forward(device, &shape, &forward)?;
            let buffers =
                TokenOver { logits, rows: at(rows), labels, saved: shape.result_offset, upstream: up };
            recorded.append(over.backward(device, &shape, &buffers)?);
            recorded
        };
        let [planes, d_logits] = memory.run(&recorded, [planes, x])?;
        Ok((planes, run.wide(run.v).numbers("logits", &d_logits, &before)?))
    }

    /// The same in shards of the vocabulary, each in an array of its own.
    ///
    /// # Errors
    /// What the host or the device refuses.
    pub fn token_shards(&self, run: &TokenRun<'_>, parts: impl Iterator<Item = (usize, usize)>) -> Results {
        let (device, n, parts) = (self.context.device(), run.n(), parts.collect::<Vec<_>>());
        let spread = self.spread();
        let kernels = TokenRows::compile_with(run.op, |source| self.kernel_stored(source, run.storage))?;
        let shape = |(base, width): (usize, usize)| TokenShape {
            v: width,
            column_base: base,
            logits_stride: width + run.gap,
            gradient_stride: width + run.gap,
            ..run.shape(spread)
        };
        let mut states = Vec::new();
        for &part in &parts {
            let mut arena = Arena::new(self);
            let (x, y) = (arena.words("logits", run.matrix(part)), run.words(&mut arena, spread));
            let state = arena.output("state", STATE.len() * n);
            let memory = arena.commit()?;
            let [logits, labels, to] = [x, y, state].map(|handle| memory.slice(handle));
            let buffers = TokenPartial { logits, labels, states: to };
            let recorded = kernels.partial(device, &shape(part), &buffers)?;
            let [state] = memory.run(&recorded, [state])?;
            states.extend(state);
        }
        let mut arena = Arena::new(self);
        let (all, y) = (arena.input_at("states", &states, spread.rows(n)), run.words(&mut arena, spread));
        let result = planes_of(&mut arena, spread, n);
        let memory = arena.commit()?;
        let [from, labels, to] = [all, y, result].map(|handle| memory.slice(handle));
        let (plane_stride, shard_stride) = (n + spread.gap, STATE.len() * (n + spread.gap));
        let buffers = TokenFinish { states: from, labels, result: to, plane_stride, shard_stride };
        let recorded = kernels.finish(device, &run.shape(spread), parts.len(), &buffers)?;
        let [planes] = memory.run(&recorded, [result])?;
        let mut d_logits = vec![0.0; n * run.v];
        for &(base, width) in &parts {
            let shape = shape((base, width));
            let d = self.shard_backward(run, &kernels, &shape, &planes)?;
            for (i, row) in d.chunks(width).enumerate() {
                d_logits[i * run.v + base..][..width].copy_from_slice(row);
            }
        }
        Ok((planes, d_logits))
    }

    fn shard_backward(
        &self,
        run: &TokenRun<'_>,
        kernels: &TokenRows,
        shape: &TokenShape,
        planes: &[f32],
    ) -> Result<Vec<f32>, RunError> {
        let (n, spread) = (run.n(), self.spread());
        let mut arena = Arena::new(self);
        let x = arena.words("logits", run.matrix((shape.column_base, shape.v)));
        let y = run.words(&mut arena, spread);
        let numbers: Vec<f32> = planes.iter().copied().chain(upstream_numbers(n, run.upstream)).collect();
        let rows = arena.input_at("rows", &numbers, spread.planes(n));
        let poison = run.wide(shape.v).poison();
        let d = arena.output("d_logits", poison.len());
        let memory: Memory<'_> = arena.commit()?;
        let [logits, labels, rows, d_logits] = [x, y, rows, d].map(|handle| memory.slice(handle));
        let upstream = upstream_at(spread, PLANES.len(), n, run.upstream);
        let saved = shape.result_offset;
        let buffers = TokenBackward { logits, rows, labels, d_logits, saved, upstream };
        let recorded = kernels.backward(self.context.device(), shape, &buffers)?;
        let [d] = memory.run(&recorded, [d])?;
        run.wide(shape.v).numbers("d_logits", &d, &poison)
    }
}
