//! Whole steps on a rig: the arrays that a trainer would own, and what it reads back.

use bellwether_core::logprob::Linear;
use bellwether_core::pair::Link;
use bellwether_core::sig::fused_linear::{CHUNK, COLUMNS};
use bellwether_core::sig::pair_rows as pair;
use bellwether_gpu::{
    Dialect, FusedShape, PairStep, Recorded, ReferenceKind, StepBuffers, StepShape, StepSource,
};

use super::layout::label_words;
use super::linear::scratch_elements;
use super::{Arena, Handle, Memory, Rig};
use crate::problem::{Head, RunError, StepPlanes, StepProblem};

/// The arrays of a step.
pub(super) struct StepRun<'r> {
    memory: Memory<'r>,
    shape: StepShape,
    head: [Handle; 2],
    gradients: [Handle; 2],
    scratch: Handle,
    labels: Handle,
    reference: Handle,
    workspace: Handle,
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
        let (head, gradients, scratch) = match &p.head {
            Head::Logits(logits) => {
                let (x, dx) =
                    (arena.input("logits", &single(logits)), arena.output("d_logits", logits.len()));
                ([x, x], [dx, dx], dx)
            }
            Head::Hidden { hidden, weight, h } => {
                let fused = FusedShape::packed(p.labels.len(), p.v, *h, p.rules).tiled(CHUNK, COLUMNS);
                let x = [arena.input("hidden", &single(hidden)), arena.input("weight", &single(weight))];
                let dx = [arena.output("d_hidden", hidden.len()), arena.output("d_weight", weight.len())];
                (x, dx, arena.output("scratch", scratch_elements(&fused)?))
            }
        };
        let labels = arena.words("labels", label_words(&p.labels));
        let reference = arena.input("ref_logps", &single(&p.ref_logps));
        let bytes = shape.workspace_bytes()?;
        let workspace = arena.output("workspace", usize::try_from(bytes / 4).unwrap_or(usize::MAX));
        let memory = arena.commit()?;
        Ok(Self { memory, shape, head, gradients, scratch, labels, reference, workspace })
    }

    pub(super) fn record<L: Link>(&self, rig: &Rig, p: &StepProblem<L>) -> Result<Recorded, RunError> {
        let at = |handle| self.memory.slice(handle);
        let step = PairStep::compile_with(&p.loss, &Linear::default(), |source| {
            rig.kernel_in(source, Dialect::POOLED)
        })?;
        let source = match &p.head {
            Head::Logits(_) => {
                StepSource::Logits { logits: at(self.head[0]), d_logits: at(self.gradients[0]) }
            }
            Head::Hidden { h, .. } => StepSource::Hidden {
                hidden: at(self.head[0]),
                weight: at(self.head[1]),
                d_hidden: at(self.gradients[0]),
                d_weight: at(self.gradients[1]),
                scratch: at(self.scratch),
                h: *h,
                chunk: CHUNK,
                columns: COLUMNS,
            },
        };
        let (labels, reference, workspace) = (at(self.labels), at(self.reference), at(self.workspace));
        let buffers = StepBuffers { source, labels, reference, workspace };
        Ok(step.record(rig.context.device(), &self.shape, &buffers)?)
    }

    pub(super) fn read<L>(
        &self,
        recorded: &Recorded,
        p: &StepProblem<L>,
    ) -> Result<StepPlanes<f32>, RunError> {
        let wanted = [self.workspace, self.gradients[0], self.gradients[1]];
        let [workspace, first, second] = self.memory.run(recorded, wanted)?;
        let layout = self.shape.layout()?;
        let planes = |region: bellwether_gpu::Region| {
            let plane =
                |i| workspace[region.offset as usize + i * region.stride..][..region.n].iter().copied();
            (0..region.planes).flat_map(plane).collect::<Vec<_>>()
        };
        let (d_logits, d_hidden, d_weight) = match &p.head {
            Head::Logits(_) => (first, Vec::new(), Vec::new()),
            Head::Hidden { .. } => (Vec::new(), first, second),
        };
        Ok(StepPlanes {
            tokens: planes(layout.token),
            sequences: planes(layout.sequences),
            references: planes(layout.references),
            pairs: planes(layout.pair),
            summary: planes(layout.summary)[..pair::LOGGED].to_vec(),
            d_logits,
            d_hidden,
            d_weight,
        })
    }
}
