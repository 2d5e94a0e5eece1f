//! FusedPairs on the GPU: distillation from hidden states and LM-head weights of a student and a frozen teacher, the
//! logits never whole. A composition: products of FusedLinear, kernels of LogitPairs and, for a label's part, TokenRows.

mod shape;

use bellwether_core::Storage;
use bellwether_core::logprob::{Linear, Token};
use bellwether_core::sig::logit_pairs::{By, LogitPairOp};
use bellwether_shaders::{Access, Dialect, Source};

pub use shape::{FusedPairBackward, FusedPairForward, FusedPairShape, Head, SavedRows};

use crate::error::Error;
use crate::kernel::Kernel;
use crate::record::{Call, Recorded, record};
use crate::sig::fused_linear::{Arrays, FusedLinear, FusedShape, Gradients, Tile};
use crate::sig::logit_pairs::{LogitPairBackward, LogitPairForward, LogitPairs, PairWindow};
use crate::sig::token_rows::{Rows, TokenBackward, TokenForward, tiles};
use crate::slice::{Limits, Slice};

/// The plan: products, kernels on two matrices of logits and on one, compiled.
#[derive(Clone, Debug)]
pub struct FusedPairs {
    op: &'static str,
    linear: FusedLinear,
    pairs: LogitPairs,
}

impl FusedPairs {
    /// Compiles the kernels. `hard` is the operator of the label's part on the student's logits; its temperature need
    /// not be the divergence's.
    ///
    /// # Errors
    /// Parameters outside their range, and those of [`Kernel::new`].
    pub fn new<O: LogitPairOp>(
        device: &wgpu::Device,
        op: &O,
        hard: &Token,
        dialect: Dialect,
    ) -> Result<Self, Error> {
        Self::compile_with(op, hard, |source| Kernel::new(device, source, Self::dialect_of(source, dialect)))
    }

    /// The dialect of one kernel of a plan in `dialect`. Gradients of logits are read from one part of the scratch and
    /// written to another, so these kernels are always pooled; logits stand in f32. For [`FusedPairs::compile_with`].
    #[must_use]
    pub fn dialect_of(source: &Source, dialect: Dialect) -> Dialect {
        let dialect = FusedLinear::dialect_of(source, dialect);
        if source.kernel == "backward" { Dialect { inputs: Access::ReadWrite, ..dialect } } else { dialect }
    }

    /// The plan with kernels of the caller's making.
    ///
    /// # Errors
    /// As [`FusedPairs::new`], and those of `compile`.
    pub fn compile_with<O: LogitPairOp>(
        op: &O,
        hard: &Token,
        mut compile: impl FnMut(&'static Source) -> Result<Kernel, Error>,
    ) -> Result<Self, Error> {
        let pairs = LogitPairs::compile_with(op, &mut compile)?;
        let linear = FusedLinear::compile_with(&Linear { token: *hard }, compile)?;
        Ok(Self { op: O::SPEC.slug, linear, pairs })
    }

    /// How hidden states and weights stand in memory.
    #[must_use]
    pub const fn storage(&self) -> Storage {
        self.linear.storage()
    }

    /// The dispatches of `forward`.
    ///
    /// # Errors
    /// Shapes that the buffers do not hold, limits, aliasing: see [`Error`].
    pub fn forward(
        &self,
        device: &wgpu::Device,
        shape: &FusedPairShape,
        buffers: &FusedPairForward<'_>,
    ) -> Result<Recorded, Error> {
        let (limits, mut calls) = (Limits::of(device), Vec::new());
        let heads = [&buffers.student, &buffers.teacher];
        shape.check(self.op, &limits, heads, (&buffers.scratch, self.storage()))?;
        let (n, v) = (shape.student.n as u64, shape.student.v as u64);
        let (room, whole) = (shape.forward_tile(self.op)?, shape.forward());
        for (base, n) in tiles(n, shape.rows as u64) {
            let rows = Rows { base, n };
            let [x, r] =
                self.logits(&limits, &whole, (rows, (0, v)), (buffers.scratch, room), buffers, &mut calls)?;
            let (labels, result) = (buffers.labels, buffers.result);
            let both =
                LogitPairForward { logits: x.logits.slice, ref_logits: r.logits.slice, labels, result };
            self.pairs.plan_forward(&limits, &shape.pairs(v), rows, &both, &mut calls)?;
            if let Some(result) = buffers.hard {
                let token = TokenForward { logits: x.logits.slice, labels, result, scratch: None };
                let all = shape.student.token((0, v));
                self.linear.token.plan_forward(&limits, &all, rows, &token, &mut calls)?;
            }
        }
        record(device, &calls)
    }

    /// The dispatches of `backward`.
    ///
    /// # Errors
    /// As [`FusedPairs::forward`].
    pub fn backward(
        &self,
        device: &wgpu::Device,
        shape: &FusedPairShape,
        buffers: &FusedPairBackward<'_>,
    ) -> Result<Recorded, Error> {
        let (limits, mut calls) = (Limits::of(device), Vec::new());
        let FusedPairBackward { student, teacher, labels, scratch, pairs, hard, .. } = *buffers;
        shape.check(self.op, &limits, [&student, &teacher], (&scratch, self.storage()))?;
        let FusedPairBackward { d_hidden, d_weight, d_bias, .. } = *buffers;
        let to = Gradients { d_hidden, d_weight, d_bias };
        let own = &shape.student;
        let forward = FusedPairForward { student, teacher, labels, scratch, result: pairs.rows, hard: None };
        for (base, n) in tiles(own.n as u64, own.chunk as u64) {
            let rows = Rows { base, n };
            for columns in tiles(own.v as u64, own.width()) {
                let room = own.tile()?;
                let place = (rows, columns);
                let [x, r] = self.logits(&limits, shape, place, (scratch, room), &forward, &mut calls)?;
                let gradient = self.tile(own, place, (&student, labels), scratch.part(2 * room, room))?;
                let d_logits = gradient.logits.slice;
                if let Some(SavedRows { rows: planes, saved, upstream }) = hard {
                    let logits = x.logits.slice;
                    let token = TokenBackward { logits, rows: planes, labels, d_logits, saved, upstream };
                    let shape = own.token(columns);
                    self.linear.token.plan_backward(&limits, &shape, rows, &token, &mut calls)?;
                }
                let both = LogitPairBackward {
                    logits: x.logits.slice,
                    ref_logits: r.logits.slice,
                    rows: pairs.rows,
                    labels,
                    d_logits,
                    saved: pairs.saved,
                    upstream: pairs.upstream,
                };
                let (column_base, accumulate, by) = (columns.0, hard.is_some(), By::Policy);
                let window = PairWindow { rows, column_base, accumulate, by };
                self.pairs.plan_backward(&limits, &shape.pairs(columns.1), window, &both, &mut calls)?;
                self.linear.gradients(&limits, &gradient, own, &to, &mut calls)?;
            }
        }
        if own.n == 0 {
            self.linear.no_rows(&limits, own, (student.weight, scratch), &to, &mut calls)?;
        }
        record(device, &calls)
    }

    /// A tile of one head, in a part of the scratch.
    fn tile<'a>(
        &self,
        shape: &FusedShape,
        (rows, columns): (Rows, (u64, u64)),
        (head, labels): (&Head<'a>, Slice<'a>),
        scratch: Slice<'a>,
    ) -> Result<Tile<'a>, Error> {
        let Head { hidden, weight, bias } = *head;
        let arrays = Arrays { hidden, weight, bias, labels, scratch, storage: self.storage() };
        Tile::new(shape, rows, columns, &arrays)
    }

    /// A tile of both models' logits, one behind the other.
    fn logits<'a>(
        &'a self,
        limits: &Limits,
        shape: &FusedPairShape,
        place: (Rows, (u64, u64)),
        (scratch, room): (Slice<'a>, u64),
        from: &FusedPairForward<'a>,
        calls: &mut Vec<Call<'a>>,
    ) -> Result<[Tile<'a>; 2], Error> {
        let labels = from.labels;
        let x = self.tile(&shape.student, place, (&from.student, labels), scratch.part(0, room))?;
        let teacher = shape.teacher();
        let r = self.tile(&teacher, place, (&from.teacher, labels), scratch.part(room, room))?;
        self.linear.logits(limits, &x, calls)?;
        self.linear.logits(limits, &r, calls)?;
        Ok([x, r])
    }
}
