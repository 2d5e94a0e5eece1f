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

/// The planes of pairs as kernels take them.
#[derive(Clone, Copy, Debug)]
pub struct PairPlanes<'a> {
    /// `chosen, rejected, ref_chosen, ref_rejected`.
    pub logps: [&'a [f32]; 4],
    /// Tokens of chosen and rejected responses.
    pub lengths: Option<[&'a [f32]; 2]>,
    /// Weights, margins and preferences.
    pub extras: [Option<&'a [f32]>; 3],
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
        planes: PairPlanes<'_>,
        reduction: Reduction,
    ) -> Result<(Vec<f32>, Vec<f32>), RunError> {
        let (device, n) = (self.context.device(), planes.logps[0].len());
        let kernels = PairRows::compile_with(loss, |source| self.kernel(source))?;
        let sums = SegmentStats::compile_with(&bellwether_core::logprob::SequenceSum {}, |s| self.kernel(s))?;
        let mut arena = Arena::new(self);
        let (shape, spread) = (self.pair_shape(n, &planes, reduction), self.spread());
        let place = |planes: Vec<Plane>| move |i: usize| planes[i / n].offset + i % n * planes[i / n].stride;
        let [chosen, rejected, ref_chosen, ref_rejected] = planes.logps;
        let inputs = place(vec![shape.chosen, shape.rejected]);
        let x = arena.input_at("inputs", &[chosen, rejected].concat(), inputs);
        // Planes that the loss must not read are NaN.
        let unread = vec![f32::NAN; n];
        let [chosen_len, rejected_len] = planes.lengths.unwrap_or([&unread, &unread]);
        let references = [ref_chosen, ref_rejected];
        let [ref_chosen, ref_rejected] = if loss.reads_reference() { references } else { [&unread[..]; 2] };
        let mut fixed = vec![ref_chosen, ref_rejected, chosen_len, rejected_len];
        fixed.extend(planes.extras.into_iter().flatten());
        let mut at = vec![shape.ref_chosen, shape.ref_rejected, shape.chosen_len, shape.rejected_len];
        at.extend([shape.weight, shape.margin, shape.preference].into_iter().flatten());
        let fixed = arena.input_at("constants", &fixed.concat(), place(at));
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
    fn pair_shape(&self, n: usize, planes: &PairPlanes<'_>, reduction: Reduction) -> PairShape {
        let Spread { lead, gap, .. } = self.spread();
        // Places of the constant planes when interleaved.
        let places = [2, 0, 3, 1, 6, 5, 4].map(|offset| Plane { offset: lead + offset, stride: 8 });
        let behind = [0, 1, 2, 3, 4, 5, 6].map(|i| Plane::at(i * n));
        let [ref_chosen, ref_rejected, chosen_len, rejected_len, extras @ ..] =
            if lead == 0 { behind } else { places };
        let mut extras = extras.into_iter();
        let [weight, margin, preference] = planes.extras.map(|plane| plane.and_then(|_| extras.next()));
        let shape = PairShape::concatenated(n, reduction);
        let shape = PairShape {
            ref_chosen,
            ref_rejected,
            chosen_len,
            rejected_len,
            weight,
            margin,
            preference,
            ..shape
        };
        if lead == 0 {
            return shape;
        }
        let every = |offset, stride| Plane { offset: lead + offset, stride };
        PairShape { chosen: every(1, 2), rejected: every(0, 2), result: every(0, n + gap), ..shape }
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
