//! Problems of the signature TokenMap.

use bellwether_core::Error;
use bellwether_core::sig::Reduction;
use bellwether_cpu_ref::token_map::{MapInputs, MapRow, token_map};

use super::layout::{Layout, views};
use super::{Compute, Number, Output, Outputs, RunError, inputs, planes, zeros};
use crate::rig::Rig;

/// Arrays `[rows, len]` of numbers per token.
#[derive(Clone, Debug)]
pub struct MapProblem<O> {
    /// The operator.
    pub op: O,
    /// Rows.
    pub rows: usize,
    /// Elements of a row.
    pub len: usize,
    /// The operator's inputs.
    pub inputs: Vec<Vec<f64>>,
    /// Its constants.
    pub constants: Vec<Vec<f64>>,
    /// Which elements count; `None`: all.
    pub mask: Option<Vec<u32>>,
    /// Upstream gradients of the first output; `None`: 1.
    pub upstream: Option<Vec<f64>>,
    /// What gradients, and the sum of the first output, are multiplied by.
    pub reduction: Reduction,
    /// How the arrays lie in memory.
    pub layout: Layout,
}

impl<O: MapRow> MapProblem<O> {
    /// The planes of a result, and the reduced first output.
    fn outputs<T: Copy>(result: &[T], sum: T) -> Outputs<T> {
        let mut outputs = planes(&O::PLANES.result().collect::<Vec<_>>(), result);
        outputs.push(Output::new("sum", 1, vec![sum]));
        outputs
    }

    /// Constants and, behind them, upstream gradients.
    pub(crate) fn constants_and_upstream(&self) -> impl Iterator<Item = &Vec<f64>> {
        self.constants.iter().chain(&self.upstream)
    }
}

impl<O: MapRow> Compute for MapProblem<O> {
    fn op(&self) -> &'static str {
        O::SPEC.slug
    }

    fn cpu<T: Number>(&self) -> Result<Outputs<T>, Error> {
        let (shape, gap) = ((self.rows, self.len), T::input(f64::NAN));
        let scalars =
            |arrays: &mut dyn Iterator<Item = &Vec<f64>>| arrays.map(|x| inputs::<T>(x)).collect::<Vec<_>>();
        let (x, c) = (scalars(&mut self.inputs.iter()), scalars(&mut self.constants_and_upstream()));
        let (x, x_at) = self.layout.place(&x, shape, gap);
        let (c, c_at) = self.layout.place_constants(&c, shape, gap);
        let (mask, mask_at) =
            self.layout.place(&self.mask.as_deref().into_iter().collect::<Vec<_>>(), shape, 1);
        let (x, c) = (views(&x, &x_at), views(&c, &c_at));
        let (constants, upstream) = c.split_at(self.constants.len());
        let map = MapInputs {
            mask: views(&mask, &mask_at).pop(),
            upstream: upstream.first().copied(),
            ..MapInputs::new(shape, &x, constants)
        };
        let n = self.rows * self.len;
        let mut result = zeros(O::PLANES.count() * n);
        token_map(&self.op, &map, self.reduction, &mut result)?;
        let scale = T::lift(self.reduction.scale());
        let rows = result[..n].chunks(self.len.max(1)).map(|row| scale * T::total(row.iter().copied()));
        let sum = T::total(rows);
        Ok(Self::outputs(&result, sum))
    }

    fn gpu(&self, rig: &Rig) -> Result<Outputs<f32>, RunError> {
        let (result, sum) = rig.token_map(self)?;
        Ok(Self::outputs(&result, sum))
    }
}
