//! Runs of ReverseScan on a rig.

use bellwether_cpu_ref::reverse_scan::ScanRow;
use bellwether_gpu::{Plane, ReverseScan, ScanBuffers, ScanShape, Steps};

use super::map::{view, views};
use super::{Arena, Handle, Memory, Rig};
use crate::problem::{Layout, Rows, RunError, ScanProblem, singles};

/// The arrays of a problem on the device, and where they stand.
struct Arrays<'r> {
    memory: Memory<'r>,
    shape: ScanShape,
    inputs: Handle,
    constants: Option<Handle>,
    words: Option<Handle>,
    result: Handle,
}

impl<'r> Arrays<'r> {
    fn new<O: ScanRow>(rig: &'r Rig, p: &ScanProblem<O>) -> Result<Self, RunError> {
        let (shape, single) = (p.rows.shape(), |x: &Vec<f64>| singles(x));
        let n = shape.0 * shape.1;
        let (x, c): (Vec<_>, Vec<_>) =
            (p.inputs.iter().map(single).collect(), p.constants_and_upstream().map(single).collect());
        let (x, x_at) = p.layout.place_constants(&x, shape, f32::NAN);
        let (c, c_at) = p.layout.place_constants(&c, shape, f32::NAN);
        let (mut words, mask_at) = p.layout.place(p.mask.as_slice(), shape, 1);
        let lead = rig.spread().lead;
        words.extend(vec![u32::MAX; lead]);
        let extent = words.len();
        words.extend(p.rows.words());
        let (rows, steps) = match &p.rows {
            Rows::Padded { rows, len, lengths } => {
                (*rows, Steps::Padded { len: *len, lengths: lengths.as_ref().map(|_| extent) })
            }
            Rows::Packed(offsets) => {
                (offsets.len().saturating_sub(1), Steps::Packed { offsets: extent, elements: n })
            }
        };
        // A pitched problem's result has gaps too.
        let gap = if p.layout == Layout::Pitched { 3 } else { 0 };
        let result = Plane { offset: gap, stride: n + gap };
        let (constants_at, upstream_at) = c_at.split_at(p.constants.len());
        let shape = ScanShape {
            rows,
            steps,
            inputs: views(&x_at),
            constants: views(constants_at),
            mask: mask_at.first().map(view),
            upstream: upstream_at.first().map(view),
            gradients: p.gradients,
            order: p.order(),
            result,
            ..ScanShape::padded(rows, shape.1, p.reduction)
        };
        let mut arena = Arena::new(rig);
        let inputs = arena.input("inputs", &x);
        let constants = (!c.is_empty()).then(|| arena.input("constants", &c));
        let words = (!words.is_empty()).then(|| arena.words("words", words));
        let place = |i: usize| gap + i / n * result.stride + i % n;
        let result = arena.output_at("result", p.names().len() * n, place, std::iter::empty());
        Ok(Self { memory: arena.commit()?, shape, inputs, constants, words, result })
    }
}

impl Rig {
    /// ReverseScan: the planes of the result.
    ///
    /// # Errors
    /// What the host or the device refuses.
    pub fn reverse_scan<O: ScanRow>(&self, p: &ScanProblem<O>) -> Result<Vec<f32>, RunError> {
        let kernels = ReverseScan::compile_with(&p.op, |source| self.kernel(source))?;
        let arrays = Arrays::new(self, p)?;
        let at = |handle| arrays.memory.slice(handle);
        let buffers = ScanBuffers {
            inputs: at(arrays.inputs),
            constants: arrays.constants.map(at),
            words: arrays.words.map(at),
            result: at(arrays.result),
        };
        let recorded = kernels.forward(self.context.device(), &arrays.shape, &buffers)?;
        let [result] = arrays.memory.run(&recorded, [arrays.result])?;
        Ok(result)
    }
}
