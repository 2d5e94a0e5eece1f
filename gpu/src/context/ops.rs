//! One operator, slices in, vectors out.

use bellwether_core::Op;
use bellwether_core::logprob::{Linear, Token};
use bellwether_core::sig::token_rows::{self, Labels};
use bellwether_shaders::Dialect;

use super::Context;
use crate::error::{Error, product};
use crate::sig::{
    FusedBackward, FusedForward, FusedLinear, FusedShape, TokenBackward, TokenForward, TokenRows, TokenShape,
    Upstream,
};
use crate::slice::Slice;

/// Several arrays of `n` elements, one behind another: a kernel's packed result.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Planes {
    /// Elements of a plane.
    pub n: usize,
    /// All planes.
    pub data: Vec<f32>,
}

impl Planes {
    /// Plane `i`; empty where there is none.
    #[must_use]
    pub fn plane(&self, i: usize) -> &[f32] {
        let begin = i.saturating_mul(self.n);
        self.data.get(begin..begin.saturating_add(self.n)).unwrap_or_default()
    }
}

/// Logits `[n, v]` without gaps, and a label per row.
#[derive(Clone, Copy, Debug)]
pub struct TokenInputs<'a> {
    /// Logits.
    pub logits: &'a [f32],
    /// Logits per row.
    pub v: usize,
    /// One per row.
    pub labels: &'a [i32],
    /// Which label scores which row.
    pub rules: Labels,
}

/// Upstream gradients per row; `None` is zero everywhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokenUpstream<'a> {
    /// Of the log-probabilities.
    pub logp: Option<&'a [f32]>,
    /// Of the logsumexps.
    pub lse: Option<&'a [f32]>,
    /// Of the entropies.
    pub entropy: Option<&'a [f32]>,
    /// Of `log Σ p²`.
    pub log_sum_sq: Option<&'a [f32]>,
    /// Of the mean logits.
    pub mean_logit: Option<&'a [f32]>,
}

/// Hidden states `[n, h]` and LM-head weight `[v, h]`, without gaps, and a label per row.
#[derive(Clone, Copy, Debug)]
pub struct LinearInputs<'a> {
    /// Hidden states.
    pub hidden: &'a [f32],
    /// Weight.
    pub weight: &'a [f32],
    /// `[v]`, added to the logits of every row.
    pub bias: Option<&'a [f32]>,
    /// Logits per row.
    pub v: usize,
    /// Hidden size.
    pub h: usize,
    /// One per row.
    pub labels: &'a [i32],
    /// Which label scores which row.
    pub rules: Labels,
}

/// Gradients of hidden states `[n, h]`, weight `[v, h]` and bias `[v]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinearGradients {
    /// By the hidden states.
    pub d_hidden: Vec<f32>,
    /// By the weight.
    pub d_weight: Vec<f32>,
    /// By the bias; empty where there is none.
    pub d_bias: Vec<f32>,
}

impl Context {
    /// Log-probability, logsumexp and entropy per row: the planes of [`token_rows::PLANES`].
    ///
    /// # Errors
    /// Parameters, shapes, limits and the device: see [`Error`].
    pub async fn token_rows(&self, op: &Token, inputs: &TokenInputs<'_>) -> Result<Planes, Error> {
        let plan = TokenRows::compile_with(op, |source| self.kernel(source, Dialect::EXCLUSIVE))?;
        let shape = inputs.shape(Token::SPEC.slug)?;
        if shape.n == 0 {
            return Ok(Planes::default());
        }
        let scratch = shape.scratch_bytes(Token::SPEC.slug)?;
        let record = |buffers: &TokenForward<'_>| plan.forward(self.device(), &shape, buffers);
        self.planes_of_rows(inputs, (token_rows::PLANES.len(), scratch), record).await
    }

    /// Gradient by the logits, `[n, v]`, from the planes that [`Context::token_rows`] gave.
    ///
    /// # Errors
    /// As [`Context::token_rows`].
    pub async fn token_rows_backward(
        &self,
        op: &Token,
        inputs: &TokenInputs<'_>,
        forward: &Planes,
        upstream: &TokenUpstream<'_>,
    ) -> Result<Vec<f32>, Error> {
        let plan = TokenRows::compile_with(op, |source| self.kernel(source, Dialect::EXCLUSIVE))?;
        let shape = inputs.shape(Token::SPEC.slug)?;
        let (rows, upstream) = upstream.rows(Token::SPEC.slug, shape.n, forward)?;
        if shape.n == 0 {
            return Ok(Vec::new());
        }
        let record = |buffers: &TokenBackward<'_>| plan.backward(self.device(), &shape, buffers);
        self.gradient_of_rows(inputs, (&rows, upstream), record).await
    }

    /// The planes of [`Context::token_rows`] from hidden states and weight.
    ///
    /// # Errors
    /// As [`Context::token_rows`].
    pub async fn linear(&self, op: &Linear, inputs: &LinearInputs<'_>) -> Result<Planes, Error> {
        let plan = self.linear_plan(op)?;
        let shape = inputs.shape()?;
        if shape.n == 0 {
            return Ok(Planes::default());
        }
        let hidden = self.upload_f32(inputs.hidden)?;
        let weight = self.upload_f32(inputs.weight)?;
        let bias = inputs.bias.map(|bias| self.upload_f32(bias)).transpose()?;
        let labels = self.upload_i32(inputs.labels)?;
        let scratch = self.scratch(shape.scratch_bytes()?)?;
        let result = self.poisoned(token_rows::PLANES.len() * shape.n)?;
        let buffers = FusedForward {
            hidden: Slice::whole(&hidden),
            weight: Slice::whole(&weight),
            bias: bias.as_ref().map(Slice::whole),
            labels: Slice::whole(&labels),
            scratch: Slice::whole(&scratch),
            result: Slice::whole(&result),
        };
        self.run(&plan.forward(self.device(), &shape, &buffers)?).await?;
        self.planes(&result, token_rows::PLANES.len(), shape.n).await
    }

    /// Gradients by hidden states and weight, from the planes that [`Context::linear`] gave.
    ///
    /// # Errors
    /// As [`Context::token_rows`].
    pub async fn linear_backward(
        &self,
        op: &Linear,
        inputs: &LinearInputs<'_>,
        forward: &Planes,
        upstream: &TokenUpstream<'_>,
    ) -> Result<LinearGradients, Error> {
        let plan = self.linear_plan(op)?;
        let shape = inputs.shape()?;
        let (rows, upstream) = upstream.rows(Linear::SPEC.slug, shape.n, forward)?;
        if shape.n == 0 {
            let d_bias = vec![0.0; inputs.bias.unwrap_or_default().len()];
            let d_weight = vec![0.0; inputs.weight.len()];
            return Ok(LinearGradients { d_hidden: Vec::new(), d_weight, d_bias });
        }
        let hidden = self.upload_f32(inputs.hidden)?;
        let weight = self.upload_f32(inputs.weight)?;
        let bias = inputs.bias.map(|bias| self.upload_f32(bias)).transpose()?;
        let labels = self.upload_i32(inputs.labels)?;
        let rows = self.upload_f32(&rows)?;
        let scratch = self.scratch(shape.scratch_bytes()?)?;
        let d_hidden = self.poisoned(inputs.hidden.len())?;
        let d_weight = self.poisoned(inputs.weight.len())?;
        let d_bias = inputs.bias.map(|bias| self.poisoned(bias.len())).transpose()?;
        let buffers = FusedBackward {
            hidden: Slice::whole(&hidden),
            weight: Slice::whole(&weight),
            bias: bias.as_ref().map(Slice::whole),
            labels: Slice::whole(&labels),
            rows: Slice::whole(&rows),
            scratch: Slice::whole(&scratch),
            d_hidden: Slice::whole(&d_hidden),
            d_weight: Slice::whole(&d_weight),
            d_bias: d_bias.as_ref().map(Slice::whole),
            saved: 0,
            upstream,
        };
        self.run(&plan.backward(self.device(), &shape, &buffers)?).await?;
        let d_hidden = self.array(&d_hidden, inputs.hidden.len()).await?;
        let d_weight = self.array(&d_weight, inputs.weight.len()).await?;
        let d_bias = match (&d_bias, inputs.bias) {
            (Some(buffer), Some(bias)) => self.array(buffer, bias.len()).await?,
            _ => Vec::new(),
        };
        Ok(LinearGradients { d_hidden, d_weight, d_bias })
    }

    fn linear_plan(&self, op: &Linear) -> Result<FusedLinear, Error> {
        let dialect = |source| FusedLinear::dialect_of(source, Dialect::EXCLUSIVE);
        FusedLinear::compile_with(op, |source| self.kernel(source, dialect(source)))
    }

    /// The first `n` numbers of a buffer.
    pub(super) async fn array(&self, buffer: &wgpu::Buffer, n: usize) -> Result<Vec<f32>, Error> {
        self.download_f32(Slice::whole(buffer).part(0, n as u64)).await
    }

    /// The planes that a buffer begins with.
    pub(super) async fn planes(
        &self,
        buffer: &wgpu::Buffer,
        count: usize,
        n: usize,
    ) -> Result<Planes, Error> {
        Ok(Planes { n, data: self.array(buffer, count * n).await? })
    }
}

impl TokenInputs<'_> {
    pub(super) fn shape(&self, op: &'static str) -> Result<TokenShape, Error> {
        let n = self.labels.len();
        exactly(op, "logits", product(op, "logits", n as u64, self.v as u64)?, self.logits.len())?;
        Ok(TokenShape::packed(n, self.v, self.rules))
    }
}

impl TokenUpstream<'_> {
    /// The forward planes with the upstream planes behind them.
    pub(super) fn rows(
        &self,
        op: &'static str,
        n: usize,
        forward: &Planes,
    ) -> Result<(Vec<f32>, Upstream), Error> {
        let planes = [self.logp, self.lse, self.entropy, self.log_sum_sq, self.mean_logit];
        forward.with_upstream(op, (token_rows::PLANES.len(), n), &token_rows::UPSTREAM, &planes)
    }
}

impl Planes {
    /// These `count` planes of `n` elements with the upstream planes behind them. A plane without a name is one that the
    /// operator has not: the plan refuses it.
    pub(super) fn with_upstream(
        &self,
        op: &'static str,
        (count, n): (usize, usize),
        names: &[&'static str],
        planes: &[Option<&[f32]>],
    ) -> Result<(Vec<f32>, Upstream), Error> {
        let saved = count * n;
        exactly(op, "forward", saved as u64, self.data.len())?;
        let mut upstream = Upstream { offset: saved, stride: n, mask: 0 };
        let mut rows = self.data.clone();
        for (i, plane) in planes.iter().enumerate() {
            if let Some(plane) = plane {
                exactly(op, names.get(i).copied().unwrap_or("upstream"), n as u64, plane.len())?;
                rows.extend_from_slice(plane);
                upstream.mask |= 1 << i;
            } else {
                rows.resize(rows.len() + n, 0.0);
            }
        }
        Ok((rows, upstream))
    }
}

impl LinearInputs<'_> {
    fn shape(&self) -> Result<FusedShape, Error> {
        let (op, n) = (Linear::SPEC.slug, self.labels.len());
        let (v, h) = (self.v as u64, self.h as u64);
        exactly(op, "hidden", product(op, "hidden", n as u64, h)?, self.hidden.len())?;
        exactly(op, "weight", product(op, "weight", v, h)?, self.weight.len())?;
        self.bias.map_or(Ok(()), |bias| exactly(op, "bias", v, bias.len()))?;
        Ok(FusedShape::packed(n, self.v, self.h, self.rules))
    }
}

/// An error unless an array has the length that the shape gives it.
pub(super) fn exactly(op: &'static str, arg: &'static str, expected: u64, given: usize) -> Result<(), Error> {
    let given = given as u64;
    if given == expected { Ok(()) } else { Err(Error::ShapeMismatch { op, arg, expected, given }) }
}
