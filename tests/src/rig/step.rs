//! Whole steps on a rig: the arrays that a trainer would own, and what it reads back.

use bellwether_core::logprob::Linear;
use bellwether_core::pair::Link;
use bellwether_core::sig::fused_linear::{CHUNK, COLUMNS};
use bellwether_core::sig::pair_rows as pair;
use bellwether_gpu::{
    Dialect, FusedShape, PairStep, Recorded, ReferenceKind, StepBuffers, StepExtras, StepShape, StepSource,
    StepTail,
};

use super::layout::label_words;
use super::linear::scratch_elements;
use super::{Arena, Handle, Memory, Rig};
use crate::problem::{Head, RunError, StepPlanes, StepProblem};

/// The arrays of a step.
pub(super) struct StepRun<'r> {
    memory: Memory<'r>,
    shape: StepShape,
    /// Inputs and their gradients: log-probabilities or logits, or hidden states, weight and bias.
    head: Vec<Handle>,
    gradients: Vec<Handle>,
    scratch: Option<Handle>,
    labels: Handle,
    reference: Handle,
    workspace: Handle,
    extras: [Option<Handle>; 3],
    tail: Option<Handle>,
}

impl<'r> StepRun<'r> {
    pub(super) fn new<L>(rig: &'r Rig, p: &StepProblem<L>) -> Result<Self, RunError> {
        let shape = StepShape {
            pairs: p.pairs,
            len: p.len,
            v: p.v,
            ignore_index: p.rules.ignore_index,
            shift: p.rules.shift,
            reduction: p.reduction,
            reference: ReferenceKind::PerToken,
        };
        let single = |xs: &[f64]| xs.iter().map(|&x| x as f32).collect::<Vec<_>>();
        let mut arena = Arena::new(rig);
        let both = |arena: &mut Arena<'r>, names: [&'static str; 2], x: &[f64]| {
            (arena.input(names[0], &single(x)), arena.output(names[1], x.len()))
        };
        let mut scratch = None;
        let arrays = match &p.head {
            Head::Logps(logps) => vec![both(&mut arena, ["logps", "d_logps"], logps)],
            Head::Logits(logits) => vec![both(&mut arena, ["logits", "d_logits"], logits)],
            Head::Hidden { hidden, weight, bias, h } => {
                let fused = FusedShape::packed(p.labels.len(), p.v, *h, p.rules).tiled(CHUNK, COLUMNS);
                let mut arrays = vec![
                    both(&mut arena, ["hidden", "d_hidden"], hidden),
                    both(&mut arena, ["weight", "d_weight"], weight),
                ];
                arrays.extend(bias.as_ref().map(|bias| both(&mut arena, ["bias", "d_bias"], bias)));
                scratch = Some(arena.output("scratch", scratch_elements(&fused)?));
                arrays
            }
        };
        let (head, gradients) = arrays.into_iter().unzip();
        let names = ["weight_of_pairs", "margin", "preference"];
        let extras = std::array::from_fn(|i| p.extras[i].as_ref().map(|x| arena.input(names[i], &single(x))));
        let labels = arena.words("labels", label_words(&p.labels));
        let words = p.tail_words()?;
        let tail = p.tail.map(|_| arena.words("tail words", words));
        let reference = arena.input("ref_logps", &single(&p.ref_logps));
        let bytes = shape.workspace_bytes()?;
        let workspace = arena.output("workspace", usize::try_from(bytes / 4).unwrap_or(usize::MAX));
        let memory = arena.commit()?;
        Ok(Self { memory, shape, head, gradients, scratch, labels, reference, workspace, extras, tail })
    }

    pub(super) fn record<L: Link>(&self, rig: &Rig, p: &StepProblem<L>) -> Result<Recorded, RunError> {
        let at = |handle| self.memory.slice(handle);
        let step = PairStep::compile_with(&p.loss, &Linear::default(), |source| {
            rig.kernel_in(source, Dialect::POOLED)
        })?;
        let (x, dx) = (|i: usize| at(self.head[i]), |i: usize| at(self.gradients[i]));
        let source = match &p.head {
            Head::Logps(_) => StepSource::Logps { logps: x(0), d_logps: dx(0) },
            Head::Logits(_) => StepSource::Logits { logits: x(0), d_logits: dx(0) },
            Head::Hidden { h, bias, .. } => StepSource::Hidden {
                hidden: x(0),
                weight: x(1),
                bias: bias.as_ref().map(|_| x(2)),
                d_hidden: dx(0),
                d_weight: dx(1),
                d_bias: bias.as_ref().map(|_| dx(2)),
                scratch: at(self.scratch.unwrap_or(self.workspace)),
                h: *h,
                chunk: CHUNK,
                columns: COLUMNS,
            },
        };
        let (labels, reference, workspace) = (at(self.labels), at(self.reference), at(self.workspace));
        let [weight, margin, preference] = self.extras.map(|handle| handle.map(at));
        let tail = self.tail.zip(p.tail).map(|(words, weight)| StepTail { words: at(words), weight });
        let extras = StepExtras { weight, margin, preference, tail };
        let buffers = StepBuffers { source, labels, reference, workspace, extras };
        Ok(step.record(rig.context.device(), &self.shape, &buffers)?)
    }

    pub(super) fn read<L>(
        &self,
        recorded: &Recorded,
        p: &StepProblem<L>,
    ) -> Result<StepPlanes<f32>, RunError> {
        let gradient = |i: usize| self.gradients.get(i).copied().unwrap_or(self.gradients[0]);
        let wanted = [self.workspace, gradient(0), gradient(1), gradient(2)];
        let [workspace, first, second, third] = self.memory.run(recorded, wanted)?;
        let layout = self.shape.layout()?;
        let planes = |region: bellwether_gpu::Region| {
            let plane =
                |i| workspace[region.offset as usize + i * region.stride..][..region.n].iter().copied();
            (0..region.planes).flat_map(plane).collect::<Vec<_>>()
        };
        let mut sequences = planes(layout.sequences);
        if p.tail.is_some() {
            sequences[..layout.scores.n].copy_from_slice(layout.scores.values(0, &workspace));
        }
        let none = Vec::new;
        let [d_logps, d_logits, d_hidden, d_weight, d_bias] = match &p.head {
            Head::Logps(_) => [first, none(), none(), none(), none()],
            Head::Logits(_) => [none(), first, none(), none(), none()],
            Head::Hidden { bias: None, .. } => [none(), none(), first, second, none()],
            Head::Hidden { .. } => [none(), none(), first, second, third],
        };
        Ok(StepPlanes {
            tokens: planes(layout.token),
            sequences,
            references: planes(layout.references),
            pairs: planes(layout.pair),
            summary: planes(layout.summary)[..pair::LOGGED].to_vec(),
            d_logps,
            d_logits,
            d_hidden,
            d_weight,
            d_bias,
        })
    }
}
