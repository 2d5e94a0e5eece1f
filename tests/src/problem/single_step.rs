//! Whole training steps of a loss on single responses, from token log-probabilities, from logits or from hidden states.

use bellwether_core::logprob::{Linear, Token};
use bellwether_core::sig::Reduction;
use bellwether_core::sig::segment_stats::PLANES as SUMS;
use bellwether_core::sig::token_rows::{Labels, PLANES as TOKENS};
use bellwether_core::{Error, Op};
use bellwether_cpu_ref::fused_linear::{Hidden, HiddenGradients};
use bellwether_cpu_ref::step::{
    Reference, SingleBatch, SingleOut, single_step_from_hidden, single_step_from_logits,
    single_step_from_logps,
};
use bellwether_cpu_ref::token_map::{MapRow, View};

use super::{Compute, Head, Number, Output, Outputs, RunError, inputs, planes, zeros};
use crate::rig::Rig;

/// One batch of responses: a map whose first input is a log-probability per response, behind the head of a model.
#[derive(Clone, Debug)]
pub struct SingleStep<O> {
    /// The loss.
    pub op: O,
    /// Where the logits come from: `[B · T, ...]`.
    pub head: Head,
    /// Entries of the vocabulary; 0 where log-probabilities are given.
    pub v: usize,
    /// Responses.
    pub responses: usize,
    /// Tokens of a response.
    pub len: usize,
    /// `[B · T]`.
    pub labels: Vec<i32>,
    /// Which label scores which row.
    pub rules: Labels,
    /// Log-probabilities under the reference per token, `[B · T]`, or per response, `[B]`; `None` where the loss does
    /// not read them.
    pub reference: Option<RefLogps>,
    /// The map's other inputs, a value per response.
    pub inputs: Vec<Vec<f64>>,
    /// The map's other constants: a value per response, or one for all.
    pub constants: Vec<Vec<f64>>,
    /// How the losses become one.
    pub reduction: Reduction,
    /// Multiplies the reduced loss and its gradients.
    pub weight: f64,
}

/// Log-probabilities under a reference.
#[derive(Clone, Debug)]
pub enum RefLogps {
    /// Per token.
    Token(Vec<f64>),
    /// Per response.
    Sequence(Vec<f64>),
}

impl RefLogps {
    /// The numbers.
    pub fn values(&self) -> &Vec<f64> {
        match self {
            Self::Token(x) | Self::Sequence(x) => x,
        }
    }
}

/// The packed results of a step, as both backends give them.
#[derive(Clone, Debug)]
pub struct SinglePlanes<T> {
    /// Log-probabilities of responses.
    pub sequences: Vec<T>,
    /// Planes of the map, without gaps.
    pub map: Vec<T>,
    /// The reduced loss.
    pub sum: T,
    /// Gradients by what the head takes, in its order.
    pub gradients: Vec<Vec<T>>,
}

impl<O: MapRow> SingleStep<O> {
    /// The distance between two responses' values of a constant: none where there is one for all.
    pub fn distance(&self, constant: &[f64]) -> usize {
        usize::from(constant.len() == self.responses)
    }

    fn outputs<T: Copy>(&self, p: SinglePlanes<T>) -> Outputs<T> {
        let mut outputs = planes(&O::PLANES.result().collect::<Vec<_>>(), &p.map);
        outputs.push(Output::new("seq_logps", 1, p.sequences));
        outputs.push(Output::new("sum", 1, vec![p.sum]));
        let names: &[(&str, usize)] = match &self.head {
            Head::Logps(_) => &[("d_logps", self.len)],
            Head::Logits(_) => &[("d_logits", self.v)],
            Head::Hidden { h, .. } => &[("d_hidden", *h), ("d_weight", *h), ("d_bias", 1)],
        };
        let gradients = names.iter().zip(p.gradients);
        outputs.extend(gradients.map(|(&(name, width), data)| Output::new(name, width, data)));
        outputs
    }

    fn run<T: Number>(&self) -> Result<SinglePlanes<T>, Error> {
        let (n, b) = (self.labels.len(), self.responses);
        let all = |arrays: &[Vec<f64>]| arrays.iter().map(|x| inputs::<T>(x)).collect::<Vec<_>>();
        let (more, constants) = (all(&self.inputs), all(&self.constants));
        let view = |data, row| View { data, row, col: 1 };
        let more: Vec<_> = more.iter().map(|data| view(&data[..], 1)).collect();
        let given = constants.iter().zip(&self.constants);
        let constants: Vec<_> = given.map(|(data, x)| view(&data[..], self.distance(x))).collect();
        let reference = self.reference.as_ref().map(|reference| inputs::<T>(reference.values()));
        let reference = self.reference.as_ref().zip(reference.as_deref()).map(|(kind, x)| match kind {
            RefLogps::Token(_) => Reference::Token(x),
            RefLogps::Sequence(_) => Reference::Sequence(x),
        });
        let batch = SingleBatch {
            labels: &self.labels,
            rules: self.rules,
            responses: b,
            len: self.len,
            reference,
            inputs: &more,
            constants: &constants,
            reduction: self.reduction,
            weight: self.weight,
        };
        let given = matches!(self.head, Head::Logps(_));
        let mut tokens = zeros(if given { 0 } else { TOKENS.len() * n });
        let (mut sequences, mut ref_sequences) = (zeros(SUMS.len() * b), zeros(SUMS.len() * b));
        let (mut map, mut loss, mut d_tokens) = (zeros(O::PLANES.count() * b), zeros(1), zeros(n));
        let mut out = SingleOut {
            tokens: &mut tokens,
            sequences: &mut sequences,
            ref_sequences: &mut ref_sequences,
            map: &mut map,
            loss: &mut loss,
            d_tokens: &mut d_tokens,
        };
        let mut gradients = self.through(&batch, &mut out)?;
        if given {
            gradients.push(d_tokens);
        }
        sequences.truncate(b);
        Ok(SinglePlanes { sequences, map, sum: loss[0], gradients })
    }

    /// The step behind its head; the gradients by what the head takes, but for given log-probabilities.
    fn through<T: Number>(
        &self,
        batch: &SingleBatch<'_, T>,
        out: &mut SingleOut<'_, T>,
    ) -> Result<Vec<Vec<T>>, Error> {
        match &self.head {
            Head::Logps(logps) => {
                single_step_from_logps(&self.op, batch, &inputs::<T>(logps), out)?;
                Ok(Vec::new())
            }
            Head::Logits(logits) => {
                let (logits, mut d_logits) = (inputs::<T>(logits), zeros(logits.len()));
                let head = (&logits[..], self.v);
                single_step_from_logits(&self.op, &Token::default(), batch, head, out, &mut d_logits)?;
                Ok(vec![d_logits])
            }
            Head::Hidden { hidden, weight, bias, h } => {
                let (labels, rules, h, v) = (batch.labels, batch.rules, *h, self.v);
                let (hidden, weight) = (inputs::<T>(hidden), inputs::<T>(weight));
                let bias = bias.as_deref().map(inputs::<T>);
                let x =
                    Hidden { hidden: &hidden, weight: &weight, bias: bias.as_deref(), h, v, labels, rules };
                let (mut d_hidden, mut d_weight) = (zeros(hidden.len()), zeros(weight.len()));
                let mut d_bias: Vec<T> = zeros(bias.as_deref().map_or(0, <[T]>::len));
                let to_bias = bias.is_some().then_some(&mut d_bias[..]);
                let gradients =
                    HiddenGradients { d_hidden: &mut d_hidden, d_weight: &mut d_weight, d_bias: to_bias };
                let mut scratch = zeros((batch.labels.len() + 1) * v);
                let work = (&mut scratch[..], gradients);
                single_step_from_hidden(&self.op, &Linear::default(), batch, &x, out, work)?;
                let with_bias = bias.is_some();
                Ok([d_hidden, d_weight].into_iter().chain(with_bias.then_some(d_bias)).collect())
            }
        }
    }
}

impl<O: MapRow> Compute for SingleStep<O> {
    fn op(&self) -> &'static str {
        <O as Op>::SPEC.slug
    }

    fn cpu<T: Number>(&self) -> Result<Outputs<T>, Error> {
        Ok(self.outputs(self.run::<T>()?))
    }

    fn gpu(&self, rig: &Rig) -> Result<Outputs<f32>, RunError> {
        Ok(self.outputs(rig.single_step(self)?))
    }
}
