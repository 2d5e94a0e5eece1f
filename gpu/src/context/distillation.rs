//! Distillation from hidden states, slices in, vectors out.

use bellwether_core::logprob::Token;
use bellwether_core::sig::logit_pairs::{LogitPairOp, PLANES};
use bellwether_core::sig::token_rows::{self, Labels};
use bellwether_shaders::Dialect;

use super::ops::{LinearGradients, Planes, TokenUpstream, exactly};
use super::{Context, LogitPairUpstream};
use crate::error::{Error, product};
use crate::sig::{FusedPairBackward, FusedPairForward, FusedPairShape, FusedPairs, Head, SavedRows};
use crate::slice::Slice;

/// Hidden states and LM-head weight of one model.
#[derive(Clone, Copy, Debug)]
pub struct HeadInputs<'a> {
    /// `[n, h]`.
    pub hidden: &'a [f32],
    /// `[v, h]`.
    pub weight: &'a [f32],
    /// `[v]`.
    pub bias: Option<&'a [f32]>,
    /// Width of a hidden state.
    pub h: usize,
}

/// A student, a frozen teacher, and a label per row.
#[derive(Clone, Copy, Debug)]
pub struct FusedPairInputs<'a> {
    /// The student's head.
    pub student: HeadInputs<'a>,
    /// The teacher's.
    pub teacher: HeadInputs<'a>,
    /// Logits per row.
    pub v: usize,
    /// One per row.
    pub labels: &'a [i32],
    /// Which label scores which row.
    pub rules: Labels,
}

/// What [`Context::fused_pairs`] gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FusedPairPlanes {
    /// The divergence's planes.
    pub pairs: Planes,
    /// Those of TokenRows of the student's logits; empty where no label's part was asked for.
    pub hard: Planes,
}

/// The arrays of a head on the device.
struct HeadBuffers {
    hidden: wgpu::Buffer,
    weight: wgpu::Buffer,
    bias: Option<wgpu::Buffer>,
}

impl HeadBuffers {
    fn new(context: &Context, head: &HeadInputs<'_>) -> Result<Self, Error> {
        let bias = head.bias.map(|bias| context.upload_f32(bias)).transpose()?;
        Ok(Self { hidden: context.upload_f32(head.hidden)?, weight: context.upload_f32(head.weight)?, bias })
    }

    fn slices(&self) -> Head<'_> {
        let bias = self.bias.as_ref().map(Slice::whole);
        Head { hidden: Slice::whole(&self.hidden), weight: Slice::whole(&self.weight), bias }
    }
}

impl Context {
    /// Divergences and log-probabilities per row, and with `hard` the statistics of the student's logits by that operator.
    ///
    /// # Errors
    /// Parameters, shapes, limits and the device: see [`Error`].
    pub async fn fused_pairs<O: LogitPairOp>(
        &self,
        op: &O,
        hard: Option<&Token>,
        inputs: &FusedPairInputs<'_>,
    ) -> Result<FusedPairPlanes, Error> {
        let plan = self.fused_pairs_plan(op, hard)?;
        let shape = inputs.shape(O::SPEC.slug)?;
        let n = shape.student.n;
        if n == 0 {
            return Ok(FusedPairPlanes::default());
        }
        let student = HeadBuffers::new(self, &inputs.student)?;
        let teacher = HeadBuffers::new(self, &inputs.teacher)?;
        let labels = self.upload_i32(inputs.labels)?;
        let scratch = self.scratch(shape.scratch_bytes(O::SPEC.slug)?)?;
        let result = self.poisoned(PLANES * n)?;
        let label_result = hard.map(|_| self.poisoned(token_rows::PLANES.len() * n)).transpose()?;
        let buffers = FusedPairForward {
            student: student.slices(),
            teacher: teacher.slices(),
            labels: Slice::whole(&labels),
            scratch: Slice::whole(&scratch),
            result: Slice::whole(&result),
            hard: label_result.as_ref().map(Slice::whole),
        };
        self.run(&plan.forward(self.device(), &shape, &buffers)?).await?;
        let pairs = self.planes(&result, PLANES, n).await?;
        let hard = match &label_result {
            Some(result) => self.planes(result, token_rows::PLANES.len(), n).await?,
            None => Planes::default(),
        };
        Ok(FusedPairPlanes { pairs, hard })
    }

    /// Gradients by the student's hidden states, weight and bias, from the planes that [`Context::fused_pairs`] gave.
    ///
    /// # Errors
    /// As [`Context::fused_pairs`], and an upstream plane that the operator has not.
    pub async fn fused_pairs_backward<O: LogitPairOp>(
        &self,
        op: &O,
        hard: Option<(&Token, &TokenUpstream<'_>)>,
        inputs: &FusedPairInputs<'_>,
        forward: &FusedPairPlanes,
        upstream: &LogitPairUpstream<'_>,
    ) -> Result<LinearGradients, Error> {
        let plan = self.fused_pairs_plan(op, hard.map(|(op, _)| op))?;
        let shape = inputs.shape(O::SPEC.slug)?;
        let (slug, n, own) = (O::SPEC.slug, shape.student.n, &inputs.student);
        let (rows, up) = forward.pairs.with_upstream(slug, (PLANES, n), O::UPSTREAM, upstream)?;
        let label = hard.map(|(_, up)| up.rows(slug, n, &forward.hard)).transpose()?;
        if n == 0 {
            let d_bias = vec![0.0; own.bias.unwrap_or_default().len()];
            return Ok(LinearGradients {
                d_hidden: Vec::new(),
                d_weight: vec![0.0; own.weight.len()],
                d_bias,
            });
        }
        let (student, teacher) = (HeadBuffers::new(self, own)?, HeadBuffers::new(self, &inputs.teacher)?);
        let (labels, rows) = (self.upload_i32(inputs.labels)?, self.upload_f32(&rows)?);
        let label_rows = label.as_ref().map(|(rows, _)| self.upload_f32(rows)).transpose()?;
        let scratch = self.scratch(shape.scratch_bytes(slug)?)?;
        let (d_hidden, d_weight) = (self.poisoned(own.hidden.len())?, self.poisoned(own.weight.len())?);
        let d_bias = own.bias.map(|bias| self.poisoned(bias.len())).transpose()?;
        let saved = |rows, upstream| SavedRows { rows: Slice::whole(rows), saved: 0, upstream };
        let buffers = FusedPairBackward {
            student: student.slices(),
            teacher: teacher.slices(),
            labels: Slice::whole(&labels),
            scratch: Slice::whole(&scratch),
            pairs: saved(&rows, up),
            hard: label_rows.as_ref().zip(label.as_ref()).map(|(rows, (_, up))| saved(rows, *up)),
            d_hidden: Slice::whole(&d_hidden),
            d_weight: Slice::whole(&d_weight),
            d_bias: d_bias.as_ref().map(Slice::whole),
        };
        self.run(&plan.backward(self.device(), &shape, &buffers)?).await?;
        let d_bias = match (&d_bias, own.bias) {
            (Some(buffer), Some(bias)) => self.array(buffer, bias.len()).await?,
            _ => Vec::new(),
        };
        let d_hidden = self.array(&d_hidden, own.hidden.len()).await?;
        Ok(LinearGradients { d_hidden, d_weight: self.array(&d_weight, own.weight.len()).await?, d_bias })
    }

    fn fused_pairs_plan<O: LogitPairOp>(&self, op: &O, hard: Option<&Token>) -> Result<FusedPairs, Error> {
        let dialect = |source| FusedPairs::dialect_of(source, Dialect::EXCLUSIVE);
        let hard = hard.copied().unwrap_or_default();
        FusedPairs::compile_with(op, &hard, |source| self.kernel(source, dialect(source)))
    }
}

impl FusedPairInputs<'_> {
    fn shape(&self, op: &'static str) -> Result<FusedPairShape, Error> {
        let (n, v) = (self.labels.len(), self.v as u64);
        let names = [["hidden", "weight", "bias"], ["ref_hidden", "ref_weight", "ref_bias"]];
        for (head, [hidden, weight, bias]) in [self.student, self.teacher].into_iter().zip(names) {
            let h = head.h as u64;
            exactly(op, hidden, product(op, hidden, n as u64, h)?, head.hidden.len())?;
            exactly(op, weight, product(op, weight, v, h)?, head.weight.len())?;
            head.bias.map_or(Ok(()), |slice| exactly(op, bias, v, slice.len()))?;
        }
        Ok(FusedPairShape::packed(n, self.v, [self.student.h, self.teacher.h], self.rules))
    }
}
