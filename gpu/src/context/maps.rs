//! Maps of arrays per token, slices in, vectors out.

use bellwether_core::sig::Reduction;
use bellwether_core::sig::token_map::MapOp;
use bellwether_shaders::Dialect;

use super::Context;
use super::ops::{Planes, exactly};
use crate::error::Error;
use crate::sig::{MapBuffers, MapShape, TokenMap};
use crate::slice::{Slice, View};

/// Arrays of one number per token.
#[derive(Clone, Copy, Debug, Default)]
pub struct MapInputs<'a> {
    /// The operator's inputs, in the order of [`MapOp::PLANES`].
    pub inputs: &'a [&'a [f32]],
    /// Its constants.
    pub constants: &'a [&'a [f32]],
    /// Which elements count: those whose word is not 0. `None`: all.
    pub mask: Option<&'a [u32]>,
    /// The upstream gradient of each element's first output. `None`: 1.
    pub upstream: Option<&'a [f32]>,
}

impl Context {
    /// Outputs and gradients per token: the planes of
    /// [`MapPlanes::result`](bellwether_core::sig::token_map::MapPlanes::result).
    ///
    /// # Errors
    /// As [`Context::token_rows`].
    pub async fn token_map<O: MapOp>(
        &self,
        op: &O,
        inputs: &MapInputs<'_>,
        reduction: Reduction,
    ) -> Result<Planes, Error> {
        let plan = TokenMap::compile_with(op, |source| self.kernel(source, Dialect::EXCLUSIVE))?;
        let n = inputs.check::<O>()?;
        reduction.check(O::SPEC.slug)?;
        if n == 0 {
            return Ok(Planes::default());
        }
        let shape = MapShape {
            mask: inputs.mask.map(|_| View::packed(0, n)),
            upstream: inputs.upstream.map(|_| View::packed(O::PLANES.constants.len() * n, n)),
            ..MapShape::packed(1, n, reduction)
        };
        let differentiable = self.upload_f32(&inputs.inputs.concat())?;
        let constants = [inputs.constants.concat(), inputs.upstream.unwrap_or_default().to_vec()].concat();
        let constants = self.upload_f32(&constants)?;
        let mask = self.upload_u32(inputs.mask.unwrap_or_default())?;
        let result = self.poisoned(O::PLANES.count() * n)?;
        let buffers = MapBuffers {
            inputs: Slice::whole(&differentiable),
            constants: Some(Slice::whole(&constants)),
            mask: Some(Slice::whole(&mask)),
            result: Slice::whole(&result),
        };
        self.run(&plan.forward(self.device(), &shape, &buffers)?).await?;
        self.planes(&result, O::PLANES.count(), n).await
    }
}

impl MapInputs<'_> {
    /// The number of elements that every array has.
    fn check<O: MapOp>(&self) -> Result<usize, Error> {
        let op = O::SPEC.slug;
        exactly(op, "inputs", O::PLANES.inputs.len() as u64, self.inputs.len())?;
        exactly(op, "constants", O::PLANES.constants.len() as u64, self.constants.len())?;
        let n = self.inputs.first().map_or(0, |input| input.len());
        let named =
            O::PLANES.inputs.iter().zip(self.inputs).chain(O::PLANES.constants.iter().zip(self.constants));
        let mut lengths = named
            .map(|(&name, plane)| (name, plane.len()))
            .chain(self.mask.map(|mask| ("mask", mask.len())))
            .chain(self.upstream.map(|upstream| ("upstream", upstream.len())));
        lengths.try_for_each(|(name, len)| exactly(op, name, n as u64, len))?;
        Ok(n)
    }
}
