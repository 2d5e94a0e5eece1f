//! Runs of LogitPairs on a rig.

use bellwether_core::Storage;
use bellwether_core::sig::logit_pairs::{By, LogitPairOp, PLANES, PairLayout, UPSTREAM};
use bellwether_gpu::{LogitPairBackward, LogitPairForward, LogitPairShape, LogitPairs, Upstream};

use super::layout::label_words;
use super::memory::POISON;
use super::wide::Wide;
use super::{Arena, Rig};
use crate::problem::RunError;
use crate::storage::pack;

/// The inputs of a run.
#[derive(Clone, Copy)]
pub struct LogitPairRun<'a, O> {
    /// The operator.
    pub op: &'a O,
    /// Sizes, strides and label rules.
    pub layout: PairLayout,
    /// `[n, v]` each, the policy's and the reference's, with gaps as the layout has them.
    pub logits: [&'a [f32]; 2],
    /// `[n]`.
    pub labels: &'a [i32],
    /// `[n]` each.
    pub upstream: [Option<&'a [f32]>; UPSTREAM],
    /// How logits and gradients stand in memory.
    pub storage: Storage,
}

impl<O> LogitPairRun<'_, O> {
    /// The gradients by the policy's and the reference's logits, laid out as these are.
    fn gradients(&self) -> [Wide; 2] {
        let PairLayout { v, stride, ref_stride, .. } = self.layout;
        let (n, storage) = (self.labels.len(), self.storage);
        [stride, ref_stride].map(|stride| Wide { storage, n, width: v, gap: stride - v })
    }
}

impl Rig {
    /// LogitPairs forward and backward: result planes and the gradients of both matrices of logits.
    ///
    /// # Errors
    /// What the host or the device refuses.
    pub fn logit_pairs<O: LogitPairOp>(&self, run: &LogitPairRun<'_, O>) -> Result<[Vec<f32>; 3], RunError> {
        let (device, n, layout, upstream) =
            (self.context.device(), run.labels.len(), run.layout, run.upstream);
        let kernels = LogitPairs::compile_with(run.op, |source| self.kernel_stored(source, run.storage))?;
        let mut arena = Arena::new(self);
        let [x, r] = [("logits", run.logits[0]), ("ref_logits", run.logits[1])]
            .map(|(name, xs)| arena.words(name, pack(xs, run.storage, POISON)));
        let y = arena.words("labels", label_words(run.labels));
        // An absent plane is NaN: the mask must keep the kernel from reading it.
        let planes = upstream.iter().flat_map(|plane| (0..n).map(move |i| plane.map_or(f32::NAN, |p| p[i])));
        let rows = arena.output_then_input("rows", PLANES * n, planes);
        let mask = (0..UPSTREAM).filter(|&i| upstream[i].is_some()).map(|i| 1 << i).sum();
        let up = Upstream { offset: PLANES * n, stride: n, mask };
        let wide = run.gradients();
        let before = wide.map(|wide| wide.poison());
        let [dx, dr] = [0, 1].map(|i| arena.output(["d_logits", "d_ref_logits"][i], before[i].len()));
        let memory = arena.commit()?;
        let at = |handle| memory.slice(handle);
        let shape = LogitPairShape { layout, ..LogitPairShape::packed(n, layout.v, layout.rules) };
        let (logits, ref_logits, labels) = (at(x), at(r), at(y));
        let mut recorded = kernels.forward(
            device,
            &shape,
            &LogitPairForward { logits, ref_logits, labels, result: at(rows) },
        )?;
        for ((d, wide), by) in [dx, dr].into_iter().zip(wide).zip([By::Policy, By::Reference]) {
            let shape = LogitPairShape { gradient_stride: wide.stride(), ..shape };
            let (rows, d_logits) = (at(rows), at(d));
            let backward =
                LogitPairBackward { logits, ref_logits, rows, labels, d_logits, saved: 0, upstream: up };
            recorded.append(kernels.backward(device, &shape, &backward, by)?);
        }
        let [rows, dx, dr] = memory.run(&recorded, [rows, dx, dr])?;
        let [x, r] = [(&wide[0], dx, &before[0]), (&wide[1], dr, &before[1])]
            .map(|(wide, words, before)| wide.numbers("d_logits", &words, before));
        Ok([rows, x?, r?])
    }
}
