//! Problems of the signature ListRows.

use bellwether_core::Error;
use bellwether_core::sig::Reduction;
use bellwether_cpu_ref::list_rows::{ListInputs, ListRow, list_rows};

use super::layout::{Layout, views};
use super::{Compute, Number, Output, Outputs, RunError, inputs, planes, zeros};
use crate::rig::Rig;

/// Arrays `[lists, items]`.
#[derive(Clone, Debug)]
pub struct ListProblem<O> {
    /// The operator.
    pub op: O,
    /// How many lists.
    pub lists: usize,
    /// Items of a list, padding counted.
    pub items: usize,
    /// The operator's inputs.
    pub inputs: Vec<Vec<f64>>,
    /// Its constants.
    pub constants: Vec<Vec<f64>>,
    /// Ranks, 1 for the best; `None` where the operator reads none.
    pub rank: Option<Vec<u32>>,
    /// The items of each list; `None`: all.
    pub length: Option<Vec<u32>>,
    /// Upstream gradients of the first output; `None`: 1.
    pub upstream: Option<Vec<f64>>,
    /// What gradients are multiplied by.
    pub reduction: Reduction,
    /// How the arrays lie in memory.
    pub layout: Layout,
}

impl<O: ListRow> ListProblem<O> {
    /// The planes of a result, and the gradients.
    fn outputs<T: Copy>(&self, result: &[T], gradients: &[T]) -> Outputs<T> {
        let mut outputs = planes(&O::PLANES.result().collect::<Vec<_>>(), result);
        let n = self.lists * self.items;
        let by = O::PLANES.gradients.iter().enumerate();
        outputs.extend(by.map(|(j, name)| Output::new(name, self.items, gradients[j * n..][..n].to_vec())));
        outputs
    }
}

impl<O: ListRow> Compute for ListProblem<O> {
    fn op(&self) -> &'static str {
        O::SPEC.slug
    }

    fn cpu<T: Number>(&self) -> Result<Outputs<T>, Error> {
        let (shape, gap) = ((self.lists, self.items), T::input(f64::NAN));
        let scalars = |arrays: &[Vec<f64>]| arrays.iter().map(|x| inputs::<T>(x)).collect::<Vec<_>>();
        let (x, x_at) = self.layout.place(&scalars(&self.inputs), shape, gap);
        let (c, c_at) = self.layout.place(&scalars(&self.constants), shape, gap);
        let (rank, rank_at) = self.layout.place(self.rank.as_slice(), shape, 0);
        let (x, c, upstream) =
            (views(&x, &x_at), views(&c, &c_at), self.upstream.as_deref().map(inputs::<T>));
        let lists = ListInputs {
            length: self.length.as_deref(),
            upstream: upstream.as_deref(),
            ..ListInputs::new(shape, &x, &c, views(&rank, &rank_at).pop())
        };
        let mut result = zeros(O::PLANES.count() * self.lists);
        let mut gradients = zeros(O::PLANES.inputs.len() * self.lists * self.items);
        list_rows(&self.op, &lists, self.reduction, &mut result, &mut gradients)?;
        Ok(self.outputs(&result, &gradients))
    }

    fn gpu(&self, rig: &Rig) -> Result<Outputs<f32>, RunError> {
        let (result, gradients) = rig.list_rows(self)?;
        Ok(self.outputs(&result, &gradients))
    }
}
