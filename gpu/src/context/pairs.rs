//! Pair losses, slices in, vectors out.

use bellwether_core::pair::{Link, PairLoss};
use bellwether_core::sig::{Reduction, pair_rows};
use bellwether_shaders::Dialect;

use super::Context;
use super::ops::{Planes, exactly};
use crate::error::Error;
use crate::sig::{PairBuffers, PairRows, PairShape};
use crate::slice::{Plane, Slice};

/// Log-probabilities per pair, nats.
#[derive(Clone, Copy, Debug, Default)]
pub struct PairInputs<'a> {
    /// Of the chosen response under the policy.
    pub chosen: &'a [f32],
    /// Of the rejected one.
    pub rejected: &'a [f32],
    /// Of the chosen one under the reference; may be empty where the loss does not
    /// [read](PairLoss::reads_reference) it.
    pub ref_chosen: &'a [f32],
    /// Of the rejected one.
    pub ref_rejected: &'a [f32],
    /// Tokens of the chosen one; may be empty where the loss does not [read](PairLoss::reads_lengths) lengths.
    pub chosen_len: &'a [f32],
    /// Tokens of the rejected one; may be empty where the loss does not read lengths.
    pub rejected_len: &'a [f32],
    /// Weights; empty: 1.
    pub weight: &'a [f32],
    /// Margins beside that of the loss; empty: none.
    pub margin: &'a [f32],
    /// Probabilities that the chosen response is the better one; empty: the loss's noise.
    pub preference: &'a [f32],
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
        let n = inputs.check(loss)?;
        reduction.check(L::SPEC.slug)?;
        if n == 0 {
            return Ok(Planes::default());
        }
        let policy = self.upload_f32(&[inputs.chosen, inputs.rejected].concat())?;
        // One element, so that there is a buffer to bind.
        let none = [&[0.0][..], &[]];
        let references = if loss.reads_reference() { [inputs.ref_chosen, inputs.ref_rejected] } else { none };
        let mut constants = references.concat();
        let mut append = |plane: &[f32]| {
            let at = Plane::at(constants.len());
            constants.extend_from_slice(plane);
            Some(at).filter(|_| !plane.is_empty())
        };
        let lengths =
            if loss.reads_lengths() { [inputs.chosen_len, inputs.rejected_len] } else { [&[][..]; 2] };
        let shape = PairShape::concatenated(n, reduction);
        let shape = PairShape {
            chosen_len: append(lengths[0]).unwrap_or(shape.chosen_len),
            rejected_len: append(lengths[1]).unwrap_or(shape.rejected_len),
            weight: append(inputs.weight),
            margin: append(inputs.margin),
            preference: append(inputs.preference),
            ..shape
        };
        let constants = self.upload_f32(&constants)?;
        let result = self.poisoned(pair_rows::PLANES.len() * n)?;
        let buffers = PairBuffers {
            inputs: Slice::whole(&policy),
            constants: Slice::whole(&constants),
            result: Slice::whole(&result),
        };
        self.run(&plan.forward(self.device(), &shape, &buffers)?).await?;
        self.planes(&result, pair_rows::PLANES.len(), n).await
    }
}

impl PairInputs<'_> {
    fn check<L: Link>(&self, loss: &PairLoss<L>) -> Result<usize, Error> {
        let (op, n) = (L::SPEC.slug, self.chosen.len());
        exactly(op, "rejected", n as u64, self.rejected.len())?;
        if loss.reads_reference() {
            exactly(op, "ref_chosen", n as u64, self.ref_chosen.len())?;
            exactly(op, "ref_rejected", n as u64, self.ref_rejected.len())?;
        }
        if loss.reads_lengths() {
            exactly(op, "chosen_len", n as u64, self.chosen_len.len())?;
            exactly(op, "rejected_len", n as u64, self.rejected_len.len())?;
        }
        let optional = [("weight", self.weight), ("margin", self.margin), ("preference", self.preference)];
        for (arg, plane) in optional.into_iter().filter(|(_, plane)| !plane.is_empty()) {
            exactly(op, arg, n as u64, plane.len())?;
        }
        Ok(n)
    }
}
