//! Whole training steps of a loss on single responses, from hidden states: the operators' own plans, one behind another.

use bellwether_core::logprob::{Linear, SequenceSum};
use bellwether_core::sig::segment_stats::{Keep, PLANES as SUMS, Segments};
use bellwether_core::sig::token_rows::{Labels, PLANES as TOKENS};
use bellwether_core::sig::{Reduction, token_rows::LOGP};
use bellwether_core::{Error, Op};
use bellwether_cpu_ref::fused_linear::{Hidden, HiddenGradients, fused_linear, fused_linear_backward};
use bellwether_cpu_ref::segment_stats::{Values, segment_stats, segment_stats_backward};
use bellwether_cpu_ref::token_map::{MapInputs, MapRow, View, token_map};
use bellwether_cpu_ref::token_rows::TokenUpstream;

use super::{Compute, Number, Output, Outputs, RunError, inputs, zeros};
use crate::rig::{Rig, SingleResults};

/// One batch of responses: a map whose input is a log-probability per response, behind the head of a model.
#[derive(Clone, Debug)]
pub struct SingleStep<O> {
    /// The loss.
    pub op: O,
    /// `[B · T, h]`.
    pub hidden: Vec<f64>,
    /// `[v, h]`.
    pub weight: Vec<f64>,
    /// `[v]`.
    pub bias: Vec<f64>,
    /// Width of a hidden state.
    pub h: usize,
    /// Responses.
    pub responses: usize,
    /// Tokens of a response.
    pub len: usize,
    /// `[B · T]`.
    pub labels: Vec<i32>,
    /// Which label scores which row.
    pub rules: Labels,
    /// The map's constants: a value per response, or one for all.
    pub constants: Vec<Vec<f64>>,
    /// How the losses become one.
    pub reduction: Reduction,
}

impl<O> SingleStep<O> {
    /// Entries of the vocabulary.
    pub fn v(&self) -> usize {
        self.bias.len()
    }

    /// The distance between two responses' values of a constant: none where there is one for all.
    pub fn distance(&self, constant: &[f64]) -> usize {
        usize::from(constant.len() == self.responses)
    }
}

impl<O: MapRow> SingleStep<O> {
    fn outputs<T>(&self, losses: &[T], [d_hidden, d_weight, d_bias]: [Vec<T>; 3], sum: T) -> Outputs<T>
    where
        T: Copy,
    {
        vec![
            Output::new("losses", 1, losses[..self.responses].to_vec()),
            Output::new("sum", 1, vec![sum]),
            Output::new("d_hidden", self.h, d_hidden),
            Output::new("d_weight", self.h, d_weight),
            Output::new("d_bias", 1, d_bias),
        ]
    }

    /// Losses, and the gradient by each response's log-probability: the planes of the map.
    fn map<T: Number>(&self, logps: &[T]) -> Result<Vec<T>, Error> {
        let shape = (self.responses, 1);
        let x = [View { data: logps, row: 1, col: 1 }];
        let constants: Vec<Vec<T>> = self.constants.iter().map(|c| inputs(c)).collect();
        let views = constants.iter().zip(&self.constants);
        let c: Vec<_> = views.map(|(data, given)| View { data, row: self.distance(given), col: 1 }).collect();
        let mut planes = zeros(O::PLANES.count() * self.responses);
        token_map(&self.op, &MapInputs::new(shape, &x, &c), self.reduction, &mut planes)?;
        Ok(planes)
    }
}

impl<O: MapRow> Compute for SingleStep<O> {
    fn op(&self) -> &'static str {
        <O as Op>::SPEC.slug
    }

    fn cpu<T: Number>(&self) -> Result<Outputs<T>, Error> {
        let (n, b) = (self.labels.len(), self.responses);
        let [hidden, weight, bias] = [&self.hidden, &self.weight, &self.bias].map(|x| inputs::<T>(x));
        let (labels, rules) = (&self.labels[..], self.rules);
        let (h, v) = (self.h, self.v());
        let x = Hidden { hidden: &hidden, weight: &weight, bias: Some(&bias), h, v, labels, rules };
        let (mut tokens, mut scratch) = (zeros::<T>(TOKENS.len() * n), zeros::<T>((n + 1) * v));
        fused_linear(&Linear::default(), &x, &mut scratch, &mut tokens)?;
        let values = Values {
            values: &tokens[LOGP * n..][..n],
            segments: Segments::Padded { count: b, len: self.len },
            keep: Keep::Labelled { labels, rules },
        };
        let mut sums = zeros(SUMS.len() * b);
        segment_stats(&SequenceSum {}, &values, Reduction::Sum, &mut sums)?;
        let planes = self.map(&sums[..b])?;
        // Behind the outputs: the gradient by the only input.
        let by_logp = &planes[O::PLANES.outputs.len() * b..][..b];
        let mut d_tokens = zeros(n);
        segment_stats_backward(&SequenceSum {}, &values, Reduction::Sum, by_logp, &mut d_tokens)?;
        let up = TokenUpstream { logp: Some(&d_tokens[..]), ..TokenUpstream::default() };
        let mut gradients = [zeros(hidden.len()), zeros(weight.len()), zeros(v)];
        let [d_hidden, d_weight, d_bias] = gradients.each_mut().map(Vec::as_mut_slice);
        let work = HiddenGradients { d_hidden, d_weight, d_bias: Some(d_bias) };
        fused_linear_backward(&Linear::default(), &x, &up, &mut scratch, work)?;
        let sum = T::lift(self.reduction.scale()) * T::total(planes[..b].iter().copied());
        Ok(self.outputs(&planes, gradients, sum))
    }

    fn gpu(&self, rig: &Rig) -> Result<Outputs<f32>, RunError> {
        let SingleResults { losses, sum, gradients } = rig.single_step(self)?;
        Ok(self.outputs(&losses, gradients, sum))
    }
}
