//! Problems of the signature PolicyRows.

use bellwether_core::Error;
use bellwether_core::policy::PolicyLoss;
use bellwether_core::sig::Reduction;
use bellwether_core::sig::policy_rows::{PLANES, result};
use bellwether_cpu_ref::policy_rows::{PolicyInputs, SurrogateRow, policy_rows};
use bellwether_cpu_ref::token_map::View;

use super::layout::{Layout, views};
use super::{Compute, Number, Output, Outputs, RunError, inputs, planes, zeros};
use crate::rig::Rig;

/// Arrays `[rows, len]`.
#[derive(Clone, Debug)]
pub struct PolicyProblem<S> {
    /// The loss.
    pub loss: PolicyLoss<S>,
    /// How many sequences.
    pub rows: usize,
    /// Tokens of a sequence, padding counted.
    pub len: usize,
    /// Log-probabilities under the policy.
    pub logp: Vec<f64>,
    /// Those under the policy that sampled.
    pub old_logp: Option<Vec<f64>>,
    /// Those under the reference.
    pub ref_logp: Option<Vec<f64>>,
    /// Advantages: one per token, or one per sequence.
    pub advantage: Vec<f64>,
    /// What multiplies a token's policy part.
    pub weight: Option<Vec<f64>>,
    /// Which tokens count.
    pub mask: Option<Vec<u32>>,
    /// The upstream gradient of each sequence.
    pub upstream: Option<Vec<f64>>,
    /// What gradients are multiplied by.
    pub reduction: Reduction,
    /// How the arrays lie in memory.
    pub layout: Layout,
}

impl<S: SurrogateRow> PolicyProblem<S> {
    /// Planes of a result.
    pub(crate) const COUNT: usize = PLANES.len() + S::METRICS.len() + 1;

    /// Whether there is one advantage per sequence.
    pub(crate) fn by_row(&self) -> bool {
        self.advantage.len() == self.rows && self.len != 1
    }

    /// The constants per token that there are, in the order advantage, sampling policy, reference, weight.
    pub(crate) fn constants(&self) -> impl Iterator<Item = &Vec<f64>> {
        let advantage = (!self.by_row()).then_some(&self.advantage);
        advantage.into_iter().chain(&self.old_logp).chain(&self.ref_logp).chain(&self.weight)
    }

    fn outputs<T: Copy>(&self, planes_: &[T], gradient: Vec<T>) -> Outputs<T> {
        let mut outputs = planes(&result(S::METRICS).collect::<Vec<_>>(), planes_);
        outputs.push(Output::new("d_logp", self.len, gradient));
        outputs
    }
}

impl<S: SurrogateRow> Compute for PolicyProblem<S> {
    fn op(&self) -> &'static str {
        S::SPEC.slug
    }

    fn cpu<T: Number>(&self) -> Result<Outputs<T>, Error> {
        let (shape, gap) = ((self.rows, self.len), T::input(f64::NAN));
        let scalars = self.constants().map(|x| inputs::<T>(x)).collect::<Vec<_>>();
        let (x, x_at) = self.layout.place(&[inputs::<T>(&self.logp)], shape, gap);
        let (c, c_at) = self.layout.place(&scalars, shape, gap);
        let (mask, mask_at) = self.layout.place(self.mask.as_slice(), shape, 1);
        let (advantage, upstream) = (inputs::<T>(&self.advantage), self.upstream.as_deref().map(inputs::<T>));
        let mut c = views(&c, &c_at).into_iter();
        let advantage =
            if self.by_row() { Some(View { data: &advantage, row: 1, col: 0 }) } else { c.next() };
        let mut next = |there: bool| if there { c.next() } else { None };
        let plain = PolicyInputs::new(shape, views(&x, &x_at)[0], advantage.expect("it was placed"));
        let x = PolicyInputs {
            old_logp: next(self.old_logp.is_some()),
            ref_logp: next(self.ref_logp.is_some()),
            weight: next(self.weight.is_some()),
            mask: views(&mask, &mask_at).pop(),
            upstream: upstream.as_deref(),
            ..plain
        };
        let (mut result, mut gradient) = (zeros(Self::COUNT * self.rows), zeros(self.rows * self.len));
        policy_rows(&self.loss, &x, self.reduction, &mut result, &mut gradient)?;
        Ok(self.outputs(&result, gradient))
    }

    fn gpu(&self, rig: &Rig) -> Result<Outputs<f32>, RunError> {
        let (result, gradient) = rig.policy_rows(self)?;
        Ok(self.outputs(&result, gradient))
    }
}
