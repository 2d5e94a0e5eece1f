//! Runs of each signature on a rig, through the calls that a framework would make.

use bellwether_core::Op;
use bellwether_core::pair::{Link, PairLoss};
use bellwether_core::sig::segment_stats::{self as segment, Keep, Segments};
use bellwether_core::sig::{Reduction, pair_rows as pair};
use bellwether_gpu::{
    Extent, PairBuffers, PairRows, PairShape, Plane, SegmentBackward, SegmentForward, SegmentShape,
    SegmentStats,
};

use super::layout::{segment_shape, value_place};
use super::step::StepRun;
use super::{Arena, Rig, Spread};
use crate::problem::{RunError, StepPlanes, StepProblem};

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
        let (spread, elements) = (self.spread(), values.len());
        let (words, shape) = segment_shape(spread, elements, segments, keep, reduction);
        let mut arena = Arena::new(self);
        let x = arena.input_at("values", values, value_place(spread, segments));
        let words = (!words.is_empty()).then(|| arena.words_at("words", words, spread.lead));
        let (result, planes) = (shape.result, spread.rows(count));
        let up = shape.upstream;
        let constants = upstream.iter().enumerate().map(|(i, &x)| (up.offset + i * up.stride, x));
        let rows = |i| result.offset + planes(i);
        let rows = arena.output_at("rows", segment::PLANES.len() * count, rows, constants);
        let place = value_place(spread, segments);
        let d_values = arena.output_at("d_values", elements, place, std::iter::empty());
        let memory = arena.commit()?;
        let at = |handle| memory.slice(handle);
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
        let (shape, spread) = (self.pair_shape(n, reduction), self.spread());
        let place = |planes: [Plane; 4]| move |i: usize| planes[i / n].offset + i % n * planes[i / n].stride;
        let inputs = place([shape.chosen, shape.rejected, shape.chosen, shape.rejected]);
        let x = arena.input_at("inputs", &[logps[0], logps[1]].concat(), inputs);
        // Lengths that the loss must not read are NaN.
        let unread = vec![f32::NAN; n];
        let [chosen_len, rejected_len] = lengths.unwrap_or([&unread, &unread]);
        let fixed = place([shape.ref_chosen, shape.ref_rejected, shape.chosen_len, shape.rejected_len]);
        let fixed =
            arena.input_at("constants", &[logps[2], logps[3], chosen_len, rejected_len].concat(), fixed);
        let rows = spread.rows(n);
        let (planes, results) = (pair::PLANES.len(), |i| shape.result.offset + rows(i));
        let result = arena.output_at("result", planes * n, results, std::iter::empty());
        let summary = arena.output("summary", segment::PLANES.len() * pair::LOGGED);
        let memory = arena.commit()?;
        let at = |handle| memory.slice(handle);
        let buffers = PairBuffers { inputs: at(x), constants: at(fixed), result: at(result) };
        let mut recorded = kernels.forward(device, &shape, &buffers)?;
        let logged = SegmentShape {
            scale: reduction.scale() as f32,
            values: Plane::at(shape.result.offset),
            extent: Extent::Padded { len: n, stride: n + spread.gap },
            result: Plane { offset: 0, stride: pair::LOGGED },
            ..SegmentShape::padded(pair::LOGGED, n)
        };
        let buffers = SegmentForward { values: at(result), words: None, result: at(summary) };
        recorded.append(sums.forward(device, &logged, &buffers)?);
        let [result, summary] = memory.run(&recorded, [result, summary])?;
        Ok((result, summary[..pair::LOGGED].to_vec()))
    }

    /// Planes one behind another, or interleaved.
    fn pair_shape(&self, n: usize, reduction: Reduction) -> PairShape {
        let Spread { lead, gap, .. } = self.spread();
        if lead == 0 {
            return PairShape::concatenated(n, reduction);
        }
        let every = |offset, stride| Plane { offset: lead + offset, stride };
        PairShape {
            n,
            reduction,
            chosen: every(1, 2),
            rejected: every(0, 2),
            ref_chosen: every(2, 5),
            ref_rejected: every(0, 5),
            chosen_len: every(3, 5),
            rejected_len: every(1, 5),
            result: every(0, n + gap),
        }
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
