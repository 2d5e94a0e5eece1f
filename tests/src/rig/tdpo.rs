//! Whole steps of token-level DPO on a rig.

use bellwether_core::pair::Link;
use bellwether_core::sig::pair_rows::LOGGED;
use bellwether_core::sig::segment_stats::VALUE;
use bellwether_gpu::{Dialect, ReferenceKind, StepShape, TdpoBuffers, TdpoStep};

use super::layout::label_words;
use super::{Arena, Rig};
use crate::problem::{RunError, TdpoPlanes, TdpoProblem, singles};

impl Rig {
    /// A whole step.
    ///
    /// # Errors
    /// What the host or the device refuses.
    pub fn tdpo_step<L: Link>(&self, p: &TdpoProblem<L>) -> Result<TdpoPlanes<f32>, RunError> {
        let shape = StepShape {
            pairs: p.pairs,
            len: p.len,
            v: p.v,
            ignore_index: p.rules.ignore_index,
            shift: p.rules.shift,
            reduction: p.reduction,
            reference: ReferenceKind::PerToken,
        };
        let layout = TdpoStep::layout(&shape)?;
        let mut arena = Arena::new(self);
        let [x, r] = [0, 1].map(|i| arena.input(["logits", "ref_logits"][i], &singles(&p.logits[i])));
        let d = arena.output("d_logits", p.logits[0].len());
        let labels = arena.words("labels", label_words(&p.labels));
        let workspace = arena.output("workspace", usize::try_from(layout.bytes / 4).unwrap_or(usize::MAX));
        let memory = arena.commit()?;
        let at = |handle| memory.slice(handle);
        let plan = TdpoStep::compile_with(&p.loss, &p.term, &p.divergence, |source| {
            self.kernel_in(source, Dialect::POOLED)
        })?;
        let buffers = TdpoBuffers {
            logits: at(x),
            ref_logits: at(r),
            d_logits: at(d),
            labels: at(labels),
            workspace: at(workspace),
        };
        let recorded = plan.record(self.context.device(), &shape, &buffers)?;
        let [workspace, d_logits] = memory.run(&recorded, [workspace, d])?;
        let pairs = (0..layout.pair.planes).flat_map(|i| layout.pair.values(i, &workspace)).copied();
        Ok(TdpoPlanes {
            scores: layout.scores.values(VALUE, &workspace).to_vec(),
            pairs: pairs.collect(),
            summary: layout.summary.values(VALUE, &workspace)[..LOGGED].to_vec(),
            d_logits,
        })
    }
}
