//! Problems of the signature FusedLinear.

use bellwether_core::logprob::Linear;
use bellwether_core::sig::token_rows::{Labels, PLANES};
use bellwether_core::{Error, Op};
use bellwether_cpu_ref::fused_linear::{Hidden, HiddenGradients, fused_linear, fused_linear_backward};
use bellwether_cpu_ref::token_rows::TokenUpstream;

use super::{Compute, Number, Output, Outputs, RunError, inputs, planes, singles, zeros};
use crate::rig::Rig;

/// Hidden states, weight, labels and upstream gradients.
#[derive(Clone, Debug, Default)]
pub struct LinearProblem {
    /// The operator.
    pub op: Linear,
    /// Which label scores which row.
    pub rules: Labels,
    /// Width of a hidden state.
    pub h: usize,
    /// Rows of the weight.
    pub v: usize,
    /// `[n, h]`.
    pub hidden: Vec<f64>,
    /// `[v, h]`.
    pub weight: Vec<f64>,
    /// `[n]`.
    pub labels: Vec<i32>,
    /// `[n]` each: of log-probability, logsumexp and entropy.
    pub upstream: [Option<Vec<f64>>; 3],
    /// Rows of logits that stand in scratch memory at a time; 0: the host's choice.
    pub chunk: usize,
}

impl Compute for LinearProblem {
    fn op(&self) -> &'static str {
        Linear::SPEC.slug
    }

    fn cpu<T: Number>(&self) -> Result<Outputs<T>, Error> {
        let (hidden, weight) = (inputs::<T>(&self.hidden), inputs::<T>(&self.weight));
        let (h, v, labels, rules) = (self.h, self.v, &self.labels[..], self.rules);
        let x = Hidden { hidden: &hidden, weight: &weight, h, v, labels, rules };
        let mut scratch = zeros((labels.len() + 1) * v);
        let mut result = zeros(PLANES.len() * labels.len());
        fused_linear(&self.op, &x, &mut scratch, &mut result)?;
        let up = self.upstream.each_ref().map(|plane| plane.as_deref().map(inputs::<T>));
        let up = up.each_ref().map(Option::as_deref);
        let up = TokenUpstream { logp: up[0], lse: up[1], entropy: up[2] };
        let (mut d_hidden, mut d_weight) = (zeros(hidden.len()), zeros(weight.len()));
        let out = HiddenGradients { d_hidden: &mut d_hidden, d_weight: &mut d_weight };
        fused_linear_backward(&self.op, &x, &up, &mut scratch, out)?;
        let mut outputs = planes(&PLANES, &result);
        outputs.push(Output::new("d_hidden", h, d_hidden));
        outputs.push(Output::new("d_weight", h, d_weight));
        Ok(outputs)
    }

    fn gpu(&self, rig: &Rig) -> Result<Outputs<f32>, RunError> {
        let upstream = self.upstream.each_ref().map(|plane| plane.as_deref().map(singles));
        let [result, d_hidden, d_weight] = rig.fused_linear(
            &self.op,
            &self.rules,
            (&singles(&self.hidden), &singles(&self.weight), self.h, self.v),
            &self.labels,
            upstream.each_ref().map(Option::as_deref),
            self.chunk,
        )?;
        let mut outputs = planes(&PLANES, &result);
        outputs.push(Output::new("d_hidden", self.h, d_hidden));
        outputs.push(Output::new("d_weight", self.h, d_weight));
        Ok(outputs)
    }
}
