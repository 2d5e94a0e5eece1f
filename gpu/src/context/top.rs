//! The k largest of rows of logits, slices in, vectors out.

use bellwether_core::Op;
use bellwether_core::logprob::TopK;
use bellwether_core::sig::top_rows::{self, D_LOGP, UPSTREAM};
use bellwether_shaders::Dialect;

use super::Context;
use super::ops::{Planes, TokenInputs, exactly};
use crate::error::{Error, product};
use crate::sig::{TokenBackward, TokenForward, TopRows, Upstream};

/// Upstream gradients per row; `None` is zero everywhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct TopUpstream<'a> {
    /// Of the masses.
    pub mass: Option<&'a [f32]>,
    /// Of the entropies.
    pub entropy: Option<&'a [f32]>,
    /// Of the logsumexps.
    pub lse: Option<&'a [f32]>,
    /// Of the log-probabilities: k planes.
    pub logp: Option<&'a [f32]>,
}

impl Context {
    /// The k largest log-probabilities per row, their tokens, mass and entropy: the planes of [`top_rows`].
    ///
    /// # Errors
    /// Parameters, shapes, limits and the device: see [`Error`].
    pub async fn top_rows(&self, op: &TopK, inputs: &TokenInputs<'_>) -> Result<Planes, Error> {
        let plan = TopRows::compile_with(op, |source| self.kernel(source, Dialect::EXCLUSIVE))?;
        let (shape, planes) = (inputs.shape(TopK::SPEC.slug)?, top_rows::planes(op.ranks()));
        if shape.n == 0 {
            return Ok(Planes::default());
        }
        let scratch = plan.scratch_bytes(&shape)?;
        let record = |buffers: &TokenForward<'_>| plan.forward(self.device(), &shape, buffers);
        self.planes_of_rows(inputs, (planes, scratch), record).await
    }

    /// Gradient by the logits, `[n, v]`, from the planes that [`Context::top_rows`] gave.
    ///
    /// # Errors
    /// As [`Context::top_rows`].
    pub async fn top_rows_backward(
        &self,
        op: &TopK,
        inputs: &TokenInputs<'_>,
        forward: &Planes,
        upstream: &TopUpstream<'_>,
    ) -> Result<Vec<f32>, Error> {
        let plan = TopRows::compile_with(op, |source| self.kernel(source, Dialect::EXCLUSIVE))?;
        let shape = inputs.shape(TopK::SPEC.slug)?;
        let (rows, upstream) = upstream.rows(op.ranks(), shape.n, forward)?;
        if shape.n == 0 {
            return Ok(Vec::new());
        }
        let record = |buffers: &TokenBackward<'_>| plan.backward(self.device(), &shape, buffers);
        self.gradient_of_rows(inputs, (&rows, upstream), record).await
    }
}

impl TopUpstream<'_> {
    /// The forward planes with the upstream planes behind them.
    fn rows(&self, k: usize, n: usize, forward: &Planes) -> Result<(Vec<f32>, Upstream), Error> {
        let op = TopK::SPEC.slug;
        let first = [self.mass, self.entropy, self.lse];
        let count = (top_rows::planes(k), n);
        let (mut rows, mut upstream) = forward.with_upstream(op, count, &UPSTREAM, &first)?;
        if let Some(logp) = self.logp {
            exactly(op, UPSTREAM[D_LOGP], product(op, UPSTREAM[D_LOGP], k as u64, n as u64)?, logp.len())?;
            rows.extend_from_slice(logp);
            upstream.mask |= 1 << D_LOGP;
        }
        Ok((rows, upstream))
    }
}
