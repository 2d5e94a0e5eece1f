//! Runs of each signature on a rig, through the calls that a framework would make.

use bellwether_core::Op;
use bellwether_core::pair::{Link, PairLoss};
use bellwether_core::sig::segment_stats::{self as segment, Keep, Segments};
use bellwether_core::sig::{Reduction, pair_rows as pair};
use bellwether_gpu::{
    KeepWords, PairBuffers, PairRows, PairShape, Plane, SegmentBackward, SegmentForward, SegmentShape,
    SegmentStats,
};

use super::step::StepRun;
use super::{Arena, Rig};
use crate::problem::{RunError, StepPlanes, StepProblem};

pub(super) fn label_words(labels: &[i32]) -> Vec<u32> {
    labels.iter().map(|label| label.cast_unsigned()).collect()
}

impl Rig {
    /// SegmentStats forward and backward: result planes and the gradient of the values.
    ///
    /// # Errors
    /// What the host or the device refuses.
    pub fn segment_stats<O: Op>(
        &self,
        op: &O,
        values: &[f32],
        segments: Segments<'_>,
        keep: Keep<'_>,
        reduction: Reduction,
        upstream: &[f32],
    ) -> Result<(Vec<f32>, Vec<f32>), RunError> {
        let (device, count) = (self.context.device(), segments.count());
        let kernels = SegmentStats::compile_with(op, |source| self.kernel(source))?;
        let (words, shape) = segment_shape(values.len(), segments, keep, reduction);
        let mut arena = Arena::new(self);
        let x = arena.input("values", values);
        let words = (!words.is_empty()).then(|| arena.words("words", words));
        let planes = segment::PLANES.len() * count;
        let rows = arena.output_then_input("rows", planes, upstream.iter().copied());
        let d_values = arena.output("d_values", values.len());
        let memory = arena.commit()?;
        let at = |handle| memory.slice(handle);
        let shape =
            SegmentShape { result: Plane { offset: 0, stride: count }, upstream: Plane::at(planes), ..shape };
        let words = words.map(at);
        let mut recorded =
            kernels.forward(device, &shape, &SegmentForward { values: at(x), words, result: at(rows) })?;
        let backward = SegmentBackward { rows: at(rows), words, d_values: at(d_values) };
        recorded.append(kernels.backward(device, &shape, &backward)?);
        let [rows, d_values] = memory.run(&recorded, [rows, d_values])?;
        Ok((rows, d_values))
    }

    /// PairRows and the averages of its first five planes.
    ///
    /// # Errors
    /// What the host or the device refuses.
    pub fn pair_rows<L: Link>(
        &self,
        loss: &PairLoss<L>,
        logps: [&[f32]; 4],
        lengths: Option<[&[f32]; 2]>,
        reduction: Reduction,
    ) -> Result<(Vec<f32>, Vec<f32>), RunError> {
        let (device, n) = (self.context.device(), logps[0].len());
        let kernels = PairRows::compile_with(loss, |source| self.kernel(source))?;
        let sums = SegmentStats::compile_with(&bellwether_core::logprob::SequenceSum {}, |s| self.kernel(s))?;
        let mut arena = Arena::new(self);
        let x = arena.input("inputs", &[logps[0], logps[1]].concat());
        // Lengths that the loss must not read are NaN.
        let unread = vec![f32::NAN; n];
        let [chosen_len, rejected_len] = lengths.unwrap_or([&unread, &unread]);
        let constants = arena.input("constants", &[logps[2], logps[3], chosen_len, rejected_len].concat());
        let result = arena.output("result", pair::PLANES.len() * n);
        let summary = arena.output("summary", segment::PLANES.len() * pair::LOGGED);
        let memory = arena.commit()?;
        let at = |handle| memory.slice(handle);
        let buffers = PairBuffers { inputs: at(x), constants: at(constants), result: at(result) };
        let mut recorded = kernels.forward(device, &PairShape::concatenated(n, reduction), &buffers)?;
        let logged = SegmentShape {
            scale: reduction.scale() as f32,
            result: Plane { offset: 0, stride: pair::LOGGED },
            ..SegmentShape::padded(pair::LOGGED, n)
        };
        let buffers = SegmentForward { values: at(result), words: None, result: at(summary) };
        recorded.append(sums.forward(device, &logged, &buffers)?);
        let [result, summary] = memory.run(&recorded, [result, summary])?;
        Ok((result, summary[..pair::LOGGED].to_vec()))
    }

    /// A whole step, through [`PairStep`](bellwether_gpu::PairStep) on arrays of ours.
    ///
    /// # Errors
    /// What the host or the device refuses.
    pub fn pair_step<L: Link>(&self, p: &StepProblem<L>) -> Result<StepPlanes<f32>, RunError> {
        let run = StepRun::new(self, p)?;
        let recorded = run.record(self, p)?;
        run.read(&recorded, p)
    }
}

/// The words and the shape of segments.
fn segment_shape(
    elements: usize,
    segments: Segments<'_>,
    keep: Keep<'_>,
    reduction: Reduction,
) -> (Vec<u32>, SegmentShape) {
    let (mut words, keep) = match keep {
        Keep::All => (Vec::new(), None),
        Keep::Masked { mask } => (mask.to_vec(), Some(KeepWords { offset: 0, ignore: 0, shift: 0 })),
        Keep::Labelled { labels, rules } => (label_words(labels), Some(KeepWords::from(&rules))),
    };
    let mut shape = match segments {
        Segments::Padded { count, len } => SegmentShape::padded(count, len),
        Segments::Packed { offsets } => {
            let shape = SegmentShape::packed(segments.count(), words.len(), elements);
            words.extend(offsets);
            shape
        }
    };
    (shape.keep, shape.scale) = (keep, reduction.scale() as f32);
    (words, shape)
}
