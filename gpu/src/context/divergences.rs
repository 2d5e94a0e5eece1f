//! Divergences between two matrices of logits, slices in, vectors out.

use bellwether_core::sig::logit_pairs::{By, LogitPairOp, PLANES, UPSTREAM};
use bellwether_core::sig::token_rows::Labels;
use bellwether_shaders::Dialect;

use super::Context;
use super::ops::{Planes, exactly};
use crate::error::{Error, product};
use crate::sig::{LogitPairBackward, LogitPairForward, LogitPairShape, LogitPairs};
use crate::slice::Slice;

/// A policy's and a reference's logits `[n, v]` without gaps, and a label per row.
#[derive(Clone, Copy, Debug)]
pub struct LogitPairInputs<'a> {
    /// The policy's logits.
    pub logits: &'a [f32],
    /// The reference's logits.
    pub ref_logits: &'a [f32],
    /// Logits per row.
    pub v: usize,
    /// One per row.
    pub labels: &'a [i32],
    /// Which label scores which row.
    pub rules: Labels,
}

/// Upstream gradients per row in the order of the operator's `UPSTREAM`; `None` is zero everywhere.
pub type LogitPairUpstream<'a> = [Option<&'a [f32]>; UPSTREAM];

impl Context {
    /// Divergences and log-probabilities per row: the planes of the operator.
    ///
    /// # Errors
    /// Parameters, shapes, limits and the device: see [`Error`].
    pub async fn logit_pairs<O: LogitPairOp>(
        &self,
        op: &O,
        inputs: &LogitPairInputs<'_>,
    ) -> Result<Planes, Error> {
        let plan = LogitPairs::compile_with(op, |source| self.kernel(source, Dialect::EXCLUSIVE))?;
        let shape = inputs.shape(O::SPEC.slug)?;
        if shape.n == 0 {
            return Ok(Planes::default());
        }
        let logits = self.upload_f32(inputs.logits)?;
        let ref_logits = self.upload_f32(inputs.ref_logits)?;
        let labels = self.upload_i32(inputs.labels)?;
        let result = self.poisoned(PLANES * shape.n)?;
        let buffers = LogitPairForward {
            logits: Slice::whole(&logits),
            ref_logits: Slice::whole(&ref_logits),
            labels: Slice::whole(&labels),
            result: Slice::whole(&result),
        };
        self.run(&plan.forward(self.device(), &shape, &buffers)?).await?;
        self.planes(&result, PLANES, shape.n).await
    }

    /// Gradient by one of the two matrices of logits, `[n, v]`, from the planes that [`Context::logit_pairs`] gave.
    ///
    /// # Errors
    /// As [`Context::logit_pairs`], and an upstream plane that the operator has not.
    pub async fn logit_pairs_backward<O: LogitPairOp>(
        &self,
        op: &O,
        inputs: &LogitPairInputs<'_>,
        forward: &Planes,
        upstream: &LogitPairUpstream<'_>,
        by: By,
    ) -> Result<Vec<f32>, Error> {
        let plan = LogitPairs::compile_with(op, |source| self.kernel(source, Dialect::EXCLUSIVE))?;
        let shape = inputs.shape(O::SPEC.slug)?;
        let (rows, upstream) =
            forward.with_upstream(O::SPEC.slug, (PLANES, shape.n), O::UPSTREAM, upstream)?;
        if shape.n == 0 {
            return Ok(Vec::new());
        }
        let logits = self.upload_f32(inputs.logits)?;
        let ref_logits = self.upload_f32(inputs.ref_logits)?;
        let labels = self.upload_i32(inputs.labels)?;
        let rows = self.upload_f32(&rows)?;
        let d_logits = self.poisoned(inputs.logits.len())?;
        let buffers = LogitPairBackward {
            logits: Slice::whole(&logits),
            ref_logits: Slice::whole(&ref_logits),
            rows: Slice::whole(&rows),
            labels: Slice::whole(&labels),
            d_logits: Slice::whole(&d_logits),
            saved: 0,
            upstream,
        };
        self.run(&plan.backward(self.device(), &shape, &buffers, by)?).await?;
        self.array(&d_logits, inputs.logits.len()).await
    }
}

impl LogitPairInputs<'_> {
    fn shape(&self, op: &'static str) -> Result<LogitPairShape, Error> {
        let n = self.labels.len();
        let expected = product(op, "logits", n as u64, self.v as u64)?;
        exactly(op, "logits", expected, self.logits.len())?;
        exactly(op, "ref_logits", expected, self.ref_logits.len())?;
        Ok(LogitPairShape::packed(n, self.v, self.rules))
    }
}
