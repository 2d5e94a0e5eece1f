//! Losses on lists, slices in, vectors out.

use bellwether_core::sig::Reduction;
use bellwether_core::sig::list_rows::ListOp;
use bellwether_shaders::Dialect;

use super::Context;
use super::ops::{Planes, exactly};
use crate::error::Error;
use crate::sig::{ListBuffers, ListRows, ListShape};
use crate::slice::{Plane, Slice, View};

/// Arrays `[lists, items]` without gaps.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListInputs<'a> {
    /// How many lists.
    pub lists: usize,
    /// Items of a list, padding counted.
    pub items: usize,
    /// The operator's inputs, in the order of [`ListOp::PLANES`].
    pub inputs: &'a [&'a [f32]],
    /// Its constants.
    pub constants: &'a [&'a [f32]],
    /// The rank of every item, 1 for the best; `None` where the operator reads none.
    pub rank: Option<&'a [u32]>,
    /// The items of each list; `None`: all have `items`.
    pub length: Option<&'a [u32]>,
    /// The upstream gradient of each list's first output; `None`: 1.
    pub upstream: Option<&'a [f32]>,
}

/// What a loss on lists gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListOutputs {
    /// The planes of [`ListPlanes::result`](bellwether_core::sig::list_rows::ListPlanes::result), one number per list.
    pub planes: Planes,
    /// The gradient by each input, a number per item.
    pub gradients: Planes,
}

impl Context {
    /// Outputs of every list, and the gradients of the reduced first output.
    ///
    /// # Errors
    /// As [`Context::token_rows`].
    pub async fn list_rows<O: ListOp>(
        &self,
        op: &O,
        inputs: &ListInputs<'_>,
        reduction: Reduction,
    ) -> Result<ListOutputs, Error> {
        let plan = ListRows::compile_with(op, |source| self.kernel(source, Dialect::EXCLUSIVE))?;
        let (lists, n) = (inputs.lists, inputs.check::<O>()?);
        reduction.check(O::SPEC.slug)?;
        if lists == 0 {
            return Ok(ListOutputs::default());
        }
        let ranks = inputs.rank.unwrap_or_default();
        let shape = ListShape {
            rank: View::packed(0, inputs.items),
            length: inputs.length.map(|_| Plane::at(ranks.len())),
            upstream: inputs.upstream.map(|_| Plane::at(O::PLANES.constants.len() * n)),
            ..ListShape::packed(&O::PLANES, (lists, inputs.items), reduction)
        };
        let differentiable = self.upload_f32(&inputs.inputs.concat())?;
        let constants = [inputs.constants.concat(), inputs.upstream.unwrap_or_default().to_vec()].concat();
        let constants = self.upload_f32(&constants)?;
        let words = self.upload_u32(&[ranks, inputs.length.unwrap_or_default()].concat())?;
        let gradients = O::PLANES.inputs.len() * n;
        let result = self.poisoned(gradients + O::PLANES.count() * lists)?;
        let buffers = ListBuffers {
            inputs: Slice::whole(&differentiable),
            constants: Some(Slice::whole(&constants)),
            words: Some(Slice::whole(&words)),
            result: Slice::whole(&result),
        };
        self.run(&plan.forward(self.device(), &shape, &buffers)?).await?;
        let all = self.planes(&result, 1, gradients + O::PLANES.count() * lists).await?.data;
        let (gradients, planes) = all.split_at(gradients);
        let of = |n, data: &[f32]| Planes { n, data: data.to_vec() };
        Ok(ListOutputs { planes: of(lists, planes), gradients: of(n, gradients) })
    }
}

impl ListInputs<'_> {
    /// The number of items of all lists, which every array has.
    fn check<O: ListOp>(&self) -> Result<usize, Error> {
        let op = O::SPEC.slug;
        let n = crate::error::product(op, "items", self.lists as u64, self.items as u64)?;
        exactly(op, "inputs", O::PLANES.inputs.len() as u64, self.inputs.len())?;
        exactly(op, "constants", O::PLANES.constants.len() as u64, self.constants.len())?;
        exactly(op, "rank", u64::from(O::PLANES.ranked), self.rank.as_slice().len())?;
        let named =
            O::PLANES.inputs.iter().zip(self.inputs).chain(O::PLANES.constants.iter().zip(self.constants));
        let mut lengths =
            named.map(|(&name, plane)| (name, plane.len())).chain(self.rank.map(|rank| ("rank", rank.len())));
        lengths.try_for_each(|(name, len)| exactly(op, name, n, len))?;
        let per_list = [("length", self.length.map(<[_]>::len)), ("upstream", self.upstream.map(<[_]>::len))];
        let mut per_list = per_list.into_iter().filter_map(|(name, len)| Some((name, len?)));
        per_list.try_for_each(|(name, len)| exactly(op, name, self.lists as u64, len))?;
        Ok(n as usize)
    }
}
