//! Runs of LogitPairs on a rig.

use bellwether_core::sig::logit_pairs::{By, LogitPairOp, PLANES, PairLayout, UPSTREAM};
use bellwether_gpu::{LogitPairBackward, LogitPairForward, LogitPairShape, LogitPairs, Upstream};

use super::layout::label_words;
use super::{Arena, Rig};
use crate::problem::RunError;

impl Rig {
    /// LogitPairs forward and backward: result planes and the gradients of both matrices of logits.
    ///
    /// # Errors
    /// What the host or the device refuses.
    pub fn logit_pairs<O: LogitPairOp>(
        &self,
        op: &O,
        layout: PairLayout,
        (logits, ref_logits): (&[f32], &[f32]),
        labels: &[i32],
        upstream: [Option<&[f32]>; UPSTREAM],
    ) -> Result<[Vec<f32>; 3], RunError> {
        let (device, n) = (self.context.device(), labels.len());
        let kernels = LogitPairs::compile_with(op, |source| self.kernel(source))?;
        let mut arena = Arena::new(self);
        let (x, r) = (arena.input("logits", logits), arena.input("ref_logits", ref_logits));
        let y = arena.words("labels", label_words(labels));
        // An absent plane is NaN: the mask must keep the kernel from reading it.
        let planes = upstream.iter().flat_map(|plane| (0..n).map(move |i| plane.map_or(f32::NAN, |p| p[i])));
        let rows = arena.output_then_input("rows", PLANES * n, planes);
        let mask = (0..UPSTREAM).filter(|&i| upstream[i].is_some()).map(|i| 1 << i).sum();
        let up = Upstream { offset: PLANES * n, stride: n, mask };
        let gradients = ["d_logits", "d_ref_logits"].map(|name| arena.output(name, n * layout.v));
        let memory = arena.commit()?;
        let at = |handle| memory.slice(handle);
        let shape = LogitPairShape { layout, ..LogitPairShape::packed(n, layout.v, layout.rules) };
        let forward = LogitPairForward { logits: at(x), ref_logits: at(r), labels: at(y), result: at(rows) };
        let mut recorded = kernels.forward(device, &shape, &forward)?;
        for (gradient, by) in gradients.into_iter().zip([By::Policy, By::Reference]) {
            let backward = LogitPairBackward {
                logits: at(x),
                ref_logits: at(r),
                rows: at(rows),
                labels: at(y),
                d_logits: at(gradient),
                saved: 0,
                upstream: up,
            };
            recorded.append(kernels.backward(device, &shape, &backward, by)?);
        }
        memory.run(&recorded, [rows, gradients[0], gradients[1]])
    }
}
