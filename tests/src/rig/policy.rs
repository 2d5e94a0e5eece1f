//! Runs of PolicyRows on a rig.

use bellwether_cpu_ref::policy_rows::SurrogateRow;
use bellwether_gpu::{Plane, PolicyBuffers, PolicyRows, PolicyShape, View};

use super::list::append;
use super::map::view;
use super::{Arena, Handle, Memory, Rig};
use crate::problem::{PolicyProblem, RunError, singles};

/// The arrays of a problem on the device, and where they stand.
struct Arrays<'r> {
    memory: Memory<'r>,
    shape: PolicyShape,
    inputs: Handle,
    constants: Handle,
    words: Option<Handle>,
    result: Handle,
}

impl<'r> Arrays<'r> {
    fn new<S: SurrogateRow>(rig: &'r Rig, p: &PolicyProblem<S>) -> Result<Self, RunError> {
        let (size, spread) = ((p.rows, p.len), rig.spread());
        let apart = (spread.lead, spread.step);
        let (x, x_at) = p.layout.place(&[singles(&p.logp)], size, f32::NAN);
        let constants: Vec<_> = p.constants().map(|x| singles(x)).collect();
        let (mut c, c_at) = p.layout.place(&constants, size, f32::NAN);
        let (words, mask_at) = p.layout.place(p.mask.as_slice(), size, 1);
        let mut at = c_at.iter().map(view);
        let advantage = if p.by_row() {
            let plane = append(&mut c, &singles(&p.advantage), apart, f32::NAN);
            View { offset: plane.offset, row: plane.stride, col: 0 }
        } else {
            at.next().expect("it was placed")
        };
        let mut next = |there: bool| if there { at.next() } else { None };
        let [old_logp, ref_logp, weight] =
            [p.old_logp.is_some(), p.ref_logp.is_some(), p.weight.is_some()].map(&mut next);
        let upstream = p.upstream.as_ref().map(|up| append(&mut c, &singles(up), apart, f32::NAN));
        // The gradient with a distance of rows of its own, then planes.
        let gradient = Plane { offset: spread.lead, stride: p.len + spread.gap };
        let result =
            Plane { offset: gradient.offset + p.rows * gradient.stride, stride: p.rows + spread.gap };
        let shape = PolicyShape {
            logp: view(&x_at[0]),
            old_logp,
            ref_logp,
            advantage,
            weight,
            mask: mask_at.first().map(view),
            upstream,
            result,
            gradient,
            ..PolicyShape::packed(size, p.reduction)
        };
        let n = p.rows * p.len;
        let place = |i: usize| match i.checked_sub(n) {
            None => gradient.offset + i / p.len * gradient.stride + i % p.len,
            Some(i) => result.offset + i / p.rows * result.stride + i % p.rows,
        };
        let mut arena = Arena::new(rig);
        let inputs = arena.input("inputs", &x);
        let constants = arena.input("constants", &c);
        let words = (!words.is_empty()).then(|| arena.words("mask", words));
        let result =
            arena.output_at("result", n + PolicyProblem::<S>::COUNT * p.rows, place, std::iter::empty());
        Ok(Self { memory: arena.commit()?, shape, inputs, constants, words, result })
    }
}

impl Rig {
    /// PolicyRows: the planes of the result, and the gradient.
    ///
    /// # Errors
    /// What the host or the device refuses.
    pub fn policy_rows<S: SurrogateRow>(
        &self,
        p: &PolicyProblem<S>,
    ) -> Result<(Vec<f32>, Vec<f32>), RunError> {
        p.loss.check_with(p.ref_logp.is_some())?;
        let kernels = PolicyRows::compile_with(&p.loss, |source| self.kernel(source))?;
        let arrays = Arrays::new(self, p)?;
        let at = |handle| arrays.memory.slice(handle);
        let buffers = PolicyBuffers {
            inputs: at(arrays.inputs),
            constants: at(arrays.constants),
            words: arrays.words.map(at),
            result: at(arrays.result),
        };
        let recorded = kernels.forward(self.context.device(), &arrays.shape, &buffers)?;
        let [mut gradient] = arrays.memory.run(&recorded, [arrays.result])?;
        let planes = gradient.split_off(p.rows * p.len);
        Ok((planes, gradient))
    }
}
