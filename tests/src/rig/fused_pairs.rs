//! Runs of FusedPairs on a rig.

use bellwether_core::Storage;
use bellwether_core::logprob::Token;
use bellwether_core::sig::logit_pairs::{self as pair, LogitPairOp};
use bellwether_core::sig::token_rows::{self as token, Labels};
use bellwether_gpu::{
    FusedPairBackward, FusedPairForward, FusedPairShape, FusedPairs, Head, SavedRows, Upstream,
};

use super::layout::label_words;
use super::{Arena, Handle, Rig};
use crate::problem::RunError;
use crate::storage::pack;

/// One model's arrays.
#[derive(Clone, Debug)]
pub struct HeadRun {
    /// `[n, h]`.
    pub hidden: Vec<f32>,
    /// `[v, h]`.
    pub weight: Vec<f32>,
    /// `[v]`.
    pub bias: Option<Vec<f32>>,
    /// Hidden size.
    pub h: usize,
}

/// The inputs of a run.
#[derive(Clone, Copy)]
pub struct FusedPairRun<'a, O> {
    /// The divergence.
    pub op: &'a O,
    /// The label's part, where there is one, and its upstream gradients.
    pub hard: Option<(&'a Token, [Option<&'a [f32]>; token::UPSTREAM.len()])>,
    /// Which label scores which row.
    pub rules: &'a Labels,
    /// Rows of the weights.
    pub v: usize,
    /// The student and the teacher.
    pub heads: [&'a HeadRun; 2],
    /// `[n]`.
    pub labels: &'a [i32],
    /// `[n]` each.
    pub upstream: [Option<&'a [f32]>; pair::UPSTREAM],
    /// How hidden states and weights stand in memory.
    pub storage: Storage,
    /// Rows of `forward`'s tiles, rows and columns of `backward`'s; `None`: the host's choice.
    pub tile: Option<[usize; 3]>,
}

/// Planes, hard planes, and gradients of hidden states, weight and bias.
pub type FusedPairResults = [Vec<f32>; 5];

/// An array of planes with upstream planes behind them: where it is, and where these are.
fn rows(
    arena: &mut Arena<'_>,
    name: &'static str,
    (planes, n): (usize, usize),
    upstream: &[Option<&[f32]>],
) -> (Handle, Upstream) {
    // An absent plane is NaN: the mask must keep the kernel from reading it.
    let numbers = upstream.iter().flat_map(|plane| (0..n).map(move |i| plane.map_or(f32::NAN, |p| p[i])));
    let handle = arena.output_then_input(name, planes * n, numbers);
    let mask = (0..upstream.len()).filter(|&i| upstream[i].is_some()).map(|i| 1 << i).sum();
    (handle, Upstream { offset: planes * n, stride: n, mask })
}

/// The handles of a head: hidden states, weight, bias.
type HeadHandles = (Handle, Handle, Option<Handle>);

fn head(arena: &mut Arena<'_>, names: [&'static str; 3], run: &HeadRun, storage: Storage) -> HeadHandles {
    let x = arena.words(names[0], pack(&run.hidden, storage, 0));
    let w = arena.words(names[1], pack(&run.weight, storage, 0));
    (x, w, run.bias.as_ref().map(|bias| arena.input(names[2], bias)))
}

impl<O: LogitPairOp> FusedPairRun<'_, O> {
    fn shape(&self) -> FusedPairShape {
        let sizes = self.heads.map(|head| head.h);
        let shape = FusedPairShape::packed(self.labels.len(), self.v, sizes, *self.rules);
        let Some([rows, chunk, columns]) = self.tile else { return shape };
        FusedPairShape { student: shape.student.tiled(chunk, columns), rows, ..shape }
    }
}

impl Rig {
    /// Forward and backward.
    ///
    /// # Errors
    /// What the host or the device refuses.
    pub fn fused_pairs<O: LogitPairOp>(
        &self,
        run: &FusedPairRun<'_, O>,
    ) -> Result<FusedPairResults, RunError> {
        let (device, n, shape) = (self.context.device(), run.labels.len(), run.shape());
        let dialect = |source| FusedPairs::dialect_of(source, self.dialect.stored(run.storage));
        let hard = run.hard.map_or_else(Token::default, |(op, _)| *op);
        let kernels =
            FusedPairs::compile_with(run.op, &hard, |source| self.kernel_in(source, dialect(source)))?;
        let mut arena = Arena::new(self);
        let student = head(&mut arena, ["hidden", "weight", "bias"], run.heads[0], run.storage);
        let teacher = head(&mut arena, ["ref_hidden", "ref_weight", "ref_bias"], run.heads[1], run.storage);
        let y = arena.words("labels", label_words(run.labels));
        let (planes, up) = rows(&mut arena, "rows", (pair::PLANES, n), &run.upstream);
        let (label_planes, label_up) = match &run.hard {
            Some((_, up)) => rows(&mut arena, "hard rows", (token::PLANES.len(), n), up),
            None => (arena.output("hard rows", 0), up),
        };
        let scratch_bytes = shape.scratch_bytes(O::SPEC.slug)?;
        let scratch = arena.output("scratch", usize::try_from(scratch_bytes / 4).unwrap_or(usize::MAX));
        let dx = arena.output("d_hidden", run.heads[0].hidden.len());
        let dw = arena.output("d_weight", run.heads[0].weight.len());
        let db = arena.output("d_bias", run.heads[0].bias.as_ref().map_or(0, Vec::len));
        let memory = arena.commit()?;
        let at = |handle| memory.slice(handle);
        let of = |(x, w, b): HeadHandles| Head { hidden: at(x), weight: at(w), bias: b.map(at) };
        let (student, teacher, labels, scratch) = (of(student), of(teacher), at(y), at(scratch));
        let hard = run.hard.map(|_| SavedRows { rows: at(label_planes), saved: 0, upstream: label_up });
        let (result, label_result) = (at(planes), hard.map(|hard| hard.rows));
        let forward = FusedPairForward { student, teacher, labels, scratch, result, hard: label_result };
        let mut recorded = kernels.forward(device, &shape, &forward)?;
        let backward = FusedPairBackward {
            student,
            teacher,
            labels,
            scratch,
            pairs: SavedRows { rows: result, saved: 0, upstream: up },
            hard,
            d_hidden: at(dx),
            d_weight: at(dw),
            d_bias: student.bias.map(|_| at(db)),
        };
        recorded.append(kernels.backward(device, &shape, &backward)?);
        memory.run(&recorded, [planes, label_planes, dx, dw, db])
    }
}
