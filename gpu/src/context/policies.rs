//! Policy-gradient losses, slices in, vectors out.

use bellwether_core::policy::{PolicyLoss, Surrogate};
use bellwether_core::sig::Reduction;
use bellwether_core::sig::policy_rows::PLANES;
use bellwether_shaders::Dialect;

use super::Context;
use super::ops::{Planes, exactly};
use crate::error::Error;
use crate::sig::{PolicyBuffers, PolicyRows, PolicyShape};
use crate::slice::{Plane, Slice, View};

/// Arrays `[rows, len]` without gaps.
#[derive(Clone, Copy, Debug, Default)]
pub struct PolicyInputs<'a> {
    /// How many sequences.
    pub rows: usize,
    /// Tokens of a sequence, padding counted.
    pub len: usize,
    /// Log-probabilities under the policy.
    pub logp: &'a [f32],
    /// Those under the policy that sampled; `None`: the same, without gradient.
    pub old_logp: Option<&'a [f32]>,
    /// Those under the reference; `None`: there is none.
    pub ref_logp: Option<&'a [f32]>,
    /// Advantages: one per token, or one per sequence (`[rows]`).
    pub advantage: &'a [f32],
    /// What multiplies a token's policy part; `None`: 1.
    pub weight: Option<&'a [f32]>,
    /// Which tokens count: those whose word is not 0. `None`: all.
    pub mask: Option<&'a [u32]>,
    /// The upstream gradient of each sequence's loss (`[rows]`); `None`: 1.
    pub upstream: Option<&'a [f32]>,
}

/// What a policy-gradient loss gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PolicyOutputs {
    /// The planes of [`result`](bellwether_core::sig::policy_rows::result), one number per sequence.
    pub planes: Planes,
    /// The gradient by `logp`, a number per token.
    pub d_logp: Vec<f32>,
}

impl Context {
    /// Outputs of every sequence, and the gradient of the reduced loss.
    ///
    /// # Errors
    /// As [`Context::token_rows`].
    pub async fn policy_rows<S: Surrogate>(
        &self,
        loss: &PolicyLoss<S>,
        inputs: &PolicyInputs<'_>,
        reduction: Reduction,
    ) -> Result<PolicyOutputs, Error> {
        loss.check_with(inputs.ref_logp.is_some())?;
        let plan = PolicyRows::compile_with(loss, |source| self.kernel(source, Dialect::EXCLUSIVE))?;
        let (rows, len) = (inputs.rows, inputs.len);
        let n = inputs.check(S::SPEC.slug)?;
        reduction.check(S::SPEC.slug)?;
        if rows == 0 {
            return Ok(PolicyOutputs::default());
        }
        let mut constants: Vec<f32> = Vec::new();
        let mut append = |array: &[f32]| {
            constants.extend(array);
            constants.len() - array.len()
        };
        let mut view = |array: &[f32]| View::packed(append(array), len);
        let [old_logp, ref_logp, weight] =
            [inputs.old_logp, inputs.ref_logp, inputs.weight].map(|array| array.map(&mut view));
        let offset = append(inputs.advantage);
        let per_row = inputs.advantage.len() == rows && n != rows;
        let advantage = if per_row { View { offset, row: 1, col: 0 } } else { View::packed(offset, len) };
        let upstream = inputs.upstream.map(|array| Plane::at(append(array)));
        let mask = inputs.mask.map(|_| View::packed(0, len));
        let plain = PolicyShape::packed((rows, len), reduction);
        let shape = PolicyShape { old_logp, ref_logp, weight, advantage, upstream, mask, ..plain };
        let logp = self.upload_f32(inputs.logp)?;
        let constants = self.upload_f32(&constants)?;
        let words = self.upload_u32(inputs.mask.unwrap_or_default())?;
        let all = n + (PLANES.len() + S::METRICS.len() + 1) * rows;
        let result = self.poisoned(all)?;
        let buffers = PolicyBuffers {
            inputs: Slice::whole(&logp),
            constants: Slice::whole(&constants),
            words: Some(Slice::whole(&words)),
            result: Slice::whole(&result),
        };
        self.run(&plan.forward(self.device(), &shape, &buffers)?).await?;
        let mut d_logp = self.planes(&result, 1, all).await?.data;
        let data = d_logp.split_off(n);
        Ok(PolicyOutputs { planes: Planes { n: rows, data }, d_logp })
    }
}

impl PolicyInputs<'_> {
    /// The number of tokens of all sequences.
    fn check(&self, op: &'static str) -> Result<usize, Error> {
        let (rows, n) =
            (self.rows as u64, crate::error::product(op, "logp", self.rows as u64, self.len as u64)?);
        exactly(op, "logp", n, self.logp.len())?;
        let of_rows = self.advantage.len() as u64 == rows;
        exactly(op, "advantage", if of_rows { rows } else { n }, self.advantage.len())?;
        let tokens = [
            ("old_logp", self.old_logp.map(<[_]>::len)),
            ("ref_logp", self.ref_logp.map(<[_]>::len)),
            ("weight", self.weight.map(<[_]>::len)),
            ("mask", self.mask.map(<[_]>::len)),
        ];
        tokens.into_iter().try_for_each(|(arg, len)| len.map_or(Ok(()), |len| exactly(op, arg, n, len)))?;
        self.upstream.map_or(Ok(()), |up| exactly(op, "upstream", rows, up.len()))?;
        Ok(n as usize)
    }
}
