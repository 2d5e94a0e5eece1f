//! Runs of LogitPairs on a rig.

use bellwether_core::Storage;
use bellwether_core::sig::logit_pairs::{By, LogitPairOp, PLANES, PairLayout, UPSTREAM};
use bellwether_gpu::{
    LogitPairBackward, LogitPairForward, LogitPairInPlace, LogitPairOver, LogitPairShape, LogitPairs,
    Upstream,
};

use super::layout::labels_and_mask;
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
    /// `[n]`.
    pub mask: Option<&'a [i32]>,
    /// `[n]` each.
    pub upstream: [Option<&'a [f32]>; UPSTREAM],
    /// How logits and gradients stand in memory.
    pub storage: Storage,
    /// Whether each gradient is written over the logits that it is by.
    pub in_place: bool,
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
        let spread = self.spread();
        let over = LogitPairInPlace::compile_with(run.op, |source| self.kernel_stored(source, run.storage))?;
        let kernels = LogitPairs::compile_with(run.op, |source| self.kernel_stored(source, run.storage))?;
        let mut arena = Arena::new(self);
        let words = run.logits.map(|xs| pack(xs, run.storage, POISON));
        let [x, r] = [0, 1].map(|i| arena.words(["logits", "ref_logits"][i], words[i].clone()));
        let y = arena.words_at("labels", labels_and_mask(spread, run.labels, run.mask), spread.lead);
        // An absent plane is NaN: the mask must keep the kernel from reading it.
        let planes = upstream.iter().flat_map(|plane| (0..n).map(move |i| plane.map_or(f32::NAN, |p| p[i])));
        let rows = arena.output_then_input("rows", PLANES * n, planes);
        let mask = (0..UPSTREAM).filter(|&i| upstream[i].is_some()).map(|i| 1 << i).sum();
        let up = Upstream { offset: PLANES * n, stride: n, mask };
        let wide = run.gradients();
        let before = if run.in_place { words } else { wide.map(|wide| wide.poison()) };
        let [dx, dr] = [0, 1].map(|i| match run.in_place {
            true => arena.replaced(["logits in place", "ref_logits in place"][i], before[i].clone()),
            false => arena.output(["d_logits", "d_ref_logits"][i], before[i].len()),
        });
        let memory = arena.commit()?;
        let at = |handle| memory.slice(handle);
        let plain = LogitPairShape::packed(n, layout.v, layout.rules);
        let (labels_offset, mask) = (spread.lead, run.mask.map(|_| spread.planes(n)(n)));
        let shape = LogitPairShape { layout, labels_offset, mask, ..plain };
        let (logits, ref_logits, labels) = (at(x), at(r), at(y));
        let mut recorded = kernels.forward(
            device,
            &shape,
            &LogitPairForward { logits, ref_logits, labels, result: at(rows) },
        )?;
        for ((d, wide), by) in [dx, dr].into_iter().zip(wide).zip([By::Policy, By::Reference]) {
            let shape = LogitPairShape { gradient_stride: wide.stride(), ..shape };
            let (rows, d_logits, saved, upstream) = (at(rows), at(d), 0, up);
            recorded.append(if run.in_place {
                let other = if by == By::Policy { ref_logits } else { logits };
                let buffers = LogitPairOver { logits: d_logits, other, rows, labels, saved, upstream };
                over.backward(device, &shape, &buffers, by)?
            } else {
                let buffers =
                    LogitPairBackward { logits, ref_logits, rows, labels, d_logits, saved, upstream };
                kernels.backward(device, &shape, &buffers, by)?
            });
        }
        let [rows, dx, dr] = memory.run(&recorded, [rows, dx, dr])?;
        let [x, r] = [(&wide[0], dx, &before[0]), (&wide[1], dr, &before[1])]
            .map(|(wide, words, before)| wide.numbers("d_logits", &words, before));
        Ok([rows, x?, r?])
    }
}
