//! Runs of TokenMap on a rig.

use bellwether_core::logprob::SequenceSum;
use bellwether_core::sig::segment_stats::PLANES as SUMS;
use bellwether_cpu_ref::token_map::MapRow;
use bellwether_gpu::{
    MapBuffers, MapShape, Plane, Recorded, SegmentForward, SegmentShape, SegmentStats, TokenMap, View,
};

use super::memory::POISON;
use super::{Arena, Handle, Memory, Rig};
use crate::problem::{Layout, MapProblem, RunError, singles};

pub(super) fn view(&[offset, row, col]: &[usize; 3]) -> View {
    View { offset, row, col }
}

/// Views of placed arrays, unused ones behind them.
pub(super) fn views<const N: usize>(places: &[[usize; 3]]) -> [View; N] {
    std::array::from_fn(|i| places.get(i).map_or_else(View::default, view))
}

/// The planes of a result without the gaps around them, which must not have been written.
fn planes_of(given: &[f32], at: Plane, n: usize) -> Result<Vec<f32>, RunError> {
    let inside = |i: usize| i >= at.offset && (i - at.offset) % at.stride.max(1) < n;
    let gaps = || given.iter().enumerate().filter(|&(i, _)| !inside(i));
    match gaps().find(|(_, x)| x.to_bits() != POISON) {
        Some((element, _)) => Err(RunError::Overwrote { array: "result", element, of: given.len() }),
        None => Ok((0..given.len()).filter(|&i| inside(i)).map(|i| given[i]).collect()),
    }
}

/// The arrays of a map on the device, and where they stand.
struct Arrays<'r> {
    memory: Memory<'r>,
    shape: MapShape,
    inputs: Handle,
    constants: Option<Handle>,
    mask: Option<Handle>,
    result: Handle,
    by_row: Handle,
    sum: Handle,
}

impl<'r> Arrays<'r> {
    fn new<O: MapRow>(rig: &'r Rig, p: &MapProblem<O>) -> Result<Self, RunError> {
        let (shape, n) = ((p.rows, p.len), p.rows * p.len);
        let single = |x: &Vec<f64>| singles(x);
        let (x, c): (Vec<_>, Vec<_>) =
            (p.inputs.iter().map(single).collect(), p.constants_and_upstream().map(single).collect());
        let (x, x_at) = p.layout.place(&x, shape, f32::NAN);
        let (c, c_at) = p.layout.place_constants(&c, shape, f32::NAN);
        let (mask, mask_at) = p.layout.place(p.mask.as_slice(), shape, 1);
        // A pitched problem's result has gaps too.
        let gap = if p.layout == Layout::Pitched { 3 } else { 0 };
        let result = Plane { offset: gap, stride: n + gap };
        let (constants_at, upstream_at) = c_at.split_at(p.constants.len());
        let shape = MapShape {
            inputs: views(&x_at),
            constants: views(constants_at),
            mask: mask_at.first().map(view),
            upstream: upstream_at.first().map(view),
            result,
            ..MapShape::packed(p.rows, p.len, p.reduction)
        };
        let mut arena = Arena::new(rig);
        let inputs = arena.input("inputs", &x);
        let constants = (!c.is_empty()).then(|| arena.input("constants", &c));
        let mask = (!mask.is_empty()).then(|| arena.words("mask", mask));
        let result = arena.output("result", gap + O::PLANES.count() * result.stride);
        let by_row = arena.output("sums of rows", SUMS.len() * p.rows);
        let sum = arena.output("sum", SUMS.len());
        Ok(Self { memory: arena.commit()?, shape, inputs, constants, mask, result, by_row, sum })
    }

    /// Sums of rows, then their sum: a row is short enough for one segment where all elements are not.
    fn sums(&self, rig: &Rig) -> Result<Recorded, RunError> {
        let (device, shape, at) = (rig.context.device(), &self.shape, |handle| self.memory.slice(handle));
        let sums = SegmentStats::compile_with(&SequenceSum {}, |source| rig.kernel(source))?;
        let rows = SegmentShape {
            values: Plane::at(shape.result.offset),
            scale: shape.reduction.scale() as f32,
            ..SegmentShape::padded(shape.rows, shape.len)
        };
        let buffers = SegmentForward { values: at(self.result), words: None, result: at(self.by_row) };
        let mut recorded = sums.forward(device, &rows, &buffers)?;
        let buffers = SegmentForward { values: at(self.by_row), words: None, result: at(self.sum) };
        recorded.append(sums.forward(device, &SegmentShape::padded(1, shape.rows), &buffers)?);
        Ok(recorded)
    }
}

impl Rig {
    /// TokenMap: the planes of the result, and the reduced first output.
    ///
    /// # Errors
    /// What the host or the device refuses.
    pub fn token_map<O: MapRow>(&self, p: &MapProblem<O>) -> Result<(Vec<f32>, f32), RunError> {
        let kernels = TokenMap::compile_with(&p.op, |source| self.kernel(source))?;
        let arrays = Arrays::new(self, p)?;
        let at = |handle| arrays.memory.slice(handle);
        let buffers = MapBuffers {
            inputs: at(arrays.inputs),
            constants: arrays.constants.map(at),
            mask: arrays.mask.map(at),
            result: at(arrays.result),
        };
        let mut recorded = kernels.forward(self.context.device(), &arrays.shape, &buffers)?;
        recorded.append(arrays.sums(self)?);
        let [given, sum] = arrays.memory.run(&recorded, [arrays.result, arrays.sum])?;
        Ok((planes_of(&given, arrays.shape.result, p.rows * p.len)?, sum[0]))
    }
}
