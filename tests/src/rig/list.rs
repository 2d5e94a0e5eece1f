//! Runs of ListRows on a rig.

use bellwether_cpu_ref::list_rows::ListRow;
use bellwether_gpu::{ListBuffers, ListRows, ListShape, Plane};

use super::map::{view, views};
use super::{Arena, Handle, Memory, Rig};
use crate::problem::{ListProblem, RunError, singles};

/// The arrays of a problem on the device, and where they stand.
struct Arrays<'r> {
    memory: Memory<'r>,
    shape: ListShape,
    inputs: Handle,
    constants: Option<Handle>,
    words: Option<Handle>,
    result: Handle,
}

/// Appends one number per list, `lead` and `step` as the rig has them, and says where they stand.
pub(super) fn append<T: Copy>(data: &mut Vec<T>, own: &[T], (lead, step): (usize, usize), gap: T) -> Plane {
    let at = Plane { offset: data.len() + lead, stride: step };
    data.resize(at.offset, gap);
    own.iter().for_each(|&x| data.extend([x, gap].into_iter().take(step)));
    at
}

impl<'r> Arrays<'r> {
    fn new<O: ListRow>(rig: &'r Rig, p: &ListProblem<O>) -> Result<Self, RunError> {
        let (shape, spread) = ((p.lists, p.items), rig.spread());
        let placed = |arrays: &[Vec<f64>]| {
            p.layout.place(&arrays.iter().map(|x| singles(x)).collect::<Vec<_>>(), shape, f32::NAN)
        };
        let ((x, x_at), (mut c, c_at)) = (placed(&p.inputs), placed(&p.constants));
        let (mut words, rank_at) = p.layout.place(p.rank.as_slice(), shape, 0);
        let apart = (spread.lead, spread.step);
        let length = p.length.as_ref().map(|length| append(&mut words, length, apart, u32::MAX));
        let upstream = p.upstream.as_ref().map(|up| append(&mut c, &singles(up), apart, f32::NAN));
        let plane = p.lists + spread.gap;
        // Gradients, each with a distance of lists of its own, then planes.
        let mut begin = spread.lead;
        let gradients = std::array::from_fn(|j| {
            let at = Plane { offset: begin, stride: p.items + (j + 1) * spread.gap };
            begin += if j < O::PLANES.inputs.len() { p.lists * at.stride } else { 0 };
            at
        });
        let shape = ListShape {
            inputs: views(&x_at),
            constants: views(&c_at),
            rank: rank_at.first().map(view).unwrap_or_default(),
            length,
            upstream,
            result: Plane { offset: begin, stride: plane },
            gradients,
            ..ListShape::packed(&O::PLANES, shape, p.reduction)
        };
        let (own, all) = (p.lists * p.items, O::PLANES.inputs.len() * p.lists * p.items);
        let place = |i: usize| match i.checked_sub(all) {
            None => gradients[i / own].offset + i % own / p.items * gradients[i / own].stride + i % p.items,
            Some(i) => begin + i / p.lists * plane + i % p.lists,
        };
        let mut arena = Arena::new(rig);
        let inputs = arena.input("inputs", &x);
        let constants = (!c.is_empty()).then(|| arena.input("constants", &c));
        let words = (!words.is_empty()).then(|| arena.words("words", words));
        let n = all + O::PLANES.count() * p.lists;
        let result = arena.output_at("result", n, place, std::iter::empty());
        Ok(Self { memory: arena.commit()?, shape, inputs, constants, words, result })
    }
}

impl Rig {
    /// ListRows: the planes of the result, and the gradients.
    ///
    /// # Errors
    /// What the host or the device refuses.
    pub fn list_rows<O: ListRow>(&self, p: &ListProblem<O>) -> Result<(Vec<f32>, Vec<f32>), RunError> {
        let kernels = ListRows::compile_with(&p.op, |source| self.kernel(source))?;
        let arrays = Arrays::new(self, p)?;
        let at = |handle| arrays.memory.slice(handle);
        let buffers = ListBuffers {
            inputs: at(arrays.inputs),
            constants: arrays.constants.map(at),
            words: arrays.words.map(at),
            result: at(arrays.result),
        };
        let recorded = kernels.forward(self.context.device(), &arrays.shape, &buffers)?;
        let [mut gradients] = arrays.memory.run(&recorded, [arrays.result])?;
        let planes = gradients.split_off(O::PLANES.inputs.len() * p.lists * p.items);
        Ok((planes, gradients))
    }
}
