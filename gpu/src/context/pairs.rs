//! Pair losses, slices in, vectors out.

use bellwether_core::pair::{Length, Link, PairLoss};
use bellwether_core::sig::{Reduction, pair_rows};
use bellwether_shaders::Dialect;

use super::Context;
use super::ops::{Planes, exactly};
use crate::error::Error;
use crate::sig::{PairBuffers, PairRows, PairShape};
use crate::slice::Slice;

/// Log-probabilities per pair, nats.
#[derive(Clone, Copy, Debug, Default)]
pub struct PairInputs<'a> {
    /// Of the chosen response under the policy.
    pub chosen: &'a [f32],
    /// Of the rejected one.
    pub rejected: &'a [f32],
    /// Of the chosen one under the reference.
    pub ref_chosen: &'a [f32],
    /// Of the rejected one.
    pub ref_rejected: &'a [f32],
    /// Tokens of the chosen one; may be empty under [`Length::Sum`].
    pub chosen_len: &'a [f32],
    /// Tokens of the rejected one; may be empty under [`Length::Sum`].
    pub rejected_len: &'a [f32],
}

impl Context {
    /// Losses, rewards and gradients per pair: the planes of [`pair_rows::PLANES`].
    ///
    /// # Errors
    /// As [`Context::token_rows`].
    pub async fn pair_rows<L: Link>(
        &self,
        loss: &PairLoss<L>,
        inputs: &PairInputs<'_>,
        reduction: Reduction,
    ) -> Result<Planes, Error> {
        let plan = PairRows::compile_with(loss, |source| self.kernel(source, Dialect::EXCLUSIVE))?;
        let n = inputs.check(L::SPEC.slug, loss.length)?;
        reduction.check(L::SPEC.slug)?;
        if n == 0 {
            return Ok(Planes::default());
        }
        let policy = self.upload_f32(&[inputs.chosen, inputs.rejected].concat())?;
        let lengths = match loss.length {
            Length::Sum => [&[][..]; 2],
            Length::TokenMean => [inputs.chosen_len, inputs.rejected_len],
        };
        let constants = [inputs.ref_chosen, inputs.ref_rejected, lengths[0], lengths[1]].concat();
        let constants = self.upload_f32(&constants)?;
        let result = self.poisoned(pair_rows::PLANES.len() * n)?;
        let buffers = PairBuffers {
            inputs: Slice::whole(&policy),
            constants: Slice::whole(&constants),
            result: Slice::whole(&result),
        };
        let shape = PairShape::concatenated(n, reduction);
        self.run(&plan.forward(self.device(), &shape, &buffers)?).await?;
        self.planes(&result, pair_rows::PLANES.len(), n).await
    }
}

impl PairInputs<'_> {
    fn check(&self, op: &'static str, length: Length) -> Result<usize, Error> {
        let n = self.chosen.len();
        exactly(op, "rejected", n as u64, self.rejected.len())?;
        exactly(op, "ref_chosen", n as u64, self.ref_chosen.len())?;
        exactly(op, "ref_rejected", n as u64, self.ref_rejected.len())?;
        if length == Length::TokenMean {
            exactly(op, "chosen_len", n as u64, self.chosen_len.len())?;
            exactly(op, "rejected_len", n as u64, self.rejected_len.len())?;
        }
        Ok(n)
    }
}
