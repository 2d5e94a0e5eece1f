//! Problems of the signature FusedLinear.

use bellwether_core::logprob::Linear;
use bellwether_core::sig::token_rows::{Labels, PLANES, UPSTREAM};
use bellwether_core::{Error, Op, Storage};
use bellwether_cpu_ref::fused_linear::{Hidden, HiddenGradients, fused_linear, fused_linear_backward};
use bellwether_cpu_ref::token_rows::TokenUpstream;

use super::{Compute, Number, Output, Outputs, RunError, inputs, planes, singles, wide, zeros};
use crate::rig::{LinearRun, Rig};

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
    /// `[v]`.
    pub bias: Option<Vec<f64>>,
    /// `[n]`.
    pub labels: Vec<i32>,
    /// `[n]` each, in the order of the contract.
    pub upstream: [Option<Vec<f64>>; UPSTREAM.len()],
    /// How hidden states and weight stand in memory.
    pub storage: Storage,
    /// Rows and columns of the tile of logits that a GPU holds at a time; `None`: the host's choice.
    pub tile: Option<(usize, usize)>,
}

impl LinearProblem {
    fn outputs<T: Number>(&self, result: &[T], [d_hidden, d_weight, d_bias]: [Vec<T>; 3]) -> Outputs<T> {
        let mut outputs = planes(&PLANES, result);
        outputs.push(Output::new("d_hidden", self.h, d_hidden));
        outputs.push(Output::new("d_weight", self.h, d_weight));
        if self.bias.is_some() {
            outputs.push(Output::new("d_bias", 1, d_bias));
        }
        outputs
    }
}

impl Compute for LinearProblem {
    fn op(&self) -> &'static str {
        Linear::SPEC.slug
    }

    fn cpu<T: Number>(&self) -> Result<Outputs<T>, Error> {
        let (hidden, weight) = (wide::<T>(&self.hidden, self.storage), wide::<T>(&self.weight, self.storage));
        let bias = self.bias.as_deref().map(inputs::<T>);
        let (h, v, labels, rules, bias) = (self.h, self.v, &self.labels[..], self.rules, bias.as_deref());
        let x = Hidden { hidden: &hidden, weight: &weight, bias, h, v, labels, rules };
        let mut scratch = zeros((labels.len() + 1) * v);
        let mut result = zeros(PLANES.len() * labels.len());
        fused_linear(&self.op, &x, &mut scratch, &mut result)?;
        let up = self.upstream.each_ref().map(|plane| plane.as_deref().map(inputs::<T>));
        let up = TokenUpstream::of(up.each_ref().map(Option::as_deref));
        let mut d = [zeros(hidden.len()), zeros(weight.len()), zeros(bias.unwrap_or_default().len())];
        let [d_hidden, d_weight, d_bias] = &mut d;
        let out = HiddenGradients { d_hidden, d_weight, d_bias: bias.map(|_| &mut d_bias[..]) };
        fused_linear_backward(&self.op, &x, &up, &mut scratch, out)?;
        Ok(self.outputs(&result, d))
    }

    fn gpu(&self, rig: &Rig) -> Result<Outputs<f32>, RunError> {
        let upstream = self.upstream.each_ref().map(|plane| plane.as_deref().map(singles));
        let bias = self.bias.as_deref().map(singles);
        let run = LinearRun {
            op: &self.op,
            rules: &self.rules,
            hidden: &singles(&self.hidden),
            weight: &singles(&self.weight),
            bias: bias.as_deref(),
            h: self.h,
            v: self.v,
            labels: &self.labels,
            upstream: upstream.each_ref().map(Option::as_deref),
            storage: self.storage,
            tile: self.tile,
        };
        let [result, d_hidden, d_weight, d_bias] = rig.fused_linear(&run)?;
        Ok(self.outputs(&result, [d_hidden, d_weight, d_bias]))
    }
}
