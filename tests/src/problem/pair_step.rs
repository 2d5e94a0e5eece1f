//! Whole training steps of a pair loss, from token log-probabilities, from logits or from hidden states.

use std::ops::Div;

use bellwether_core::Error;
use bellwether_core::logprob::{Linear, Token};
use bellwether_core::pair::{PairLoss, tail_words, tail_words_len};
use bellwether_core::sig::token_rows::Labels;
use bellwether_core::sig::{Reduction, pair_rows as pair, segment_stats as segment, token_rows as token};
use bellwether_cpu_ref::fused_linear::{Hidden, HiddenGradients};
use bellwether_cpu_ref::pair_rows::{Extras, PairLink, Plane};
use bellwether_cpu_ref::step::{
    Batch, Reference, StepOut, Tail, step_from_hidden, step_from_logits, step_from_logps,
    tail_step_from_logits, tail_step_from_logps,
};

use super::{Compute, Number, Output, Outputs, RunError, inputs, zeros};
use crate::rig::Rig;

/// Where the log-probabilities of a step come from.
#[derive(Clone, Debug)]
pub enum Head {
    /// They are given: `[2B · T]`.
    Logps(Vec<f64>),
    /// Logits `[2B · T, v]`.
    Logits(Vec<f64>),
    /// Hidden states `[2B · T, h]` and LM-head weight `[v, h]`.
    Hidden {
        /// Hidden states.
        hidden: Vec<f64>,
        /// LM-head weight.
        weight: Vec<f64>,
        /// `[v]`.
        bias: Option<Vec<f64>>,
        /// Width of a hidden state.
        h: usize,
    },
}

impl Head {
    /// Whether the head has a bias.
    pub const fn has_bias(&self) -> bool {
        matches!(self, Self::Hidden { bias: Some(_), .. })
    }
}

/// One batch of a pair loss: rows `0..B` chosen, `B..2B` rejected.
#[derive(Clone, Debug)]
pub struct StepProblem<L> {
    /// The loss.
    pub loss: PairLoss<L>,
    /// Where the logits come from.
    pub head: Head,
    /// Logits per row.
    pub v: usize,
    /// Pairs.
    pub pairs: usize,
    /// Tokens per response.
    pub len: usize,
    /// `[2B · T]`.
    pub labels: Vec<i32>,
    /// Which label scores which row.
    pub rules: Labels,
    /// Token log-probabilities under the reference, `[2B · T]`.
    pub ref_logps: Vec<f64>,
    /// How the losses become one.
    pub reduction: Reduction,
    /// Weights, margins and preferences of the pairs.
    pub extras: [Option<Vec<f64>>; 3],
    /// The weight of tokens beyond the length that both responses have; `None`: 1. Not from hidden states.
    pub tail: Option<f64>,
}

impl<L> StepProblem<L> {
    /// The words that say where tails begin.
    pub fn tail_words(&self) -> Result<Vec<u32>, Error> {
        let mut words = vec![0; tail_words_len(self.pairs, self.len)];
        tail_words(&self.labels, self.rules, (self.pairs, self.len), &mut words)?;
        Ok(words)
    }
}

/// The packed results of a step, as both backends give them.
#[derive(Clone, Debug)]
pub struct StepPlanes<T> {
    /// Planes of TokenRows.
    pub tokens: Vec<T>,
    /// Planes of SegmentStats.
    pub sequences: Vec<T>,
    /// Planes of SegmentStats, of the reference.
    pub references: Vec<T>,
    /// Planes of PairRows.
    pub pairs: Vec<T>,
    /// The five averages.
    pub summary: Vec<T>,
    /// Gradient by the token log-probabilities, where those are given.
    pub d_logps: Vec<T>,
    /// Gradient by the logits, where those are given.
    pub d_logits: Vec<T>,
    /// Gradient by the hidden states, where those are given.
    pub d_hidden: Vec<T>,
    /// Gradient by the weight.
    pub d_weight: Vec<T>,
    /// Gradient by the bias, where there is one.
    pub d_bias: Vec<T>,
}

impl<L: PairLink> StepProblem<L> {
    fn outputs<T: Copy + Div<Output = T>>(&self, p: &StepPlanes<T>) -> Outputs<T> {
        let (n, rows, b) = (self.labels.len(), 2 * self.pairs, self.pairs);
        let mean = |from: usize| -> Vec<T> {
            let at = |plane: usize| &p.sequences[plane * rows + from..][..b];
            at(segment::VALUE).iter().zip(at(segment::COUNT)).map(|(&sum, &count)| sum / count).collect()
        };
        let plane = |packed: &[T], i: usize, n: usize| packed[i * n..][..n].to_vec();
        let mut outputs = vec![
            Output::new("seq_logps", 1, plane(&p.sequences, segment::VALUE, rows)),
            Output::new("chosen_seq_logps", 1, plane(&p.sequences, segment::VALUE, b)),
            Output::new("rejected_seq_logps", 1, p.sequences[segment::VALUE * rows + b..][..b].to_vec()),
            Output::new("chosen_mean_logps", 1, mean(0)),
            Output::new("rejected_mean_logps", 1, mean(b)),
            Output::new("ref_seq_logps", 1, plane(&p.references, segment::VALUE, rows)),
            Output::new("per_pair", 1, plane(&p.pairs, pair::LOSS, b)),
            Output::new("rewards_chosen", 1, plane(&p.pairs, pair::REWARD_CHOSEN, b)),
            Output::new("rewards_rejected", 1, plane(&p.pairs, pair::REWARD_REJECTED, b)),
            Output::new("summary", pair::LOGGED, p.summary.clone()),
        ];
        match &self.head {
            Head::Logps(_) => {
                let (chosen, rejected) = p.d_logps.split_at(n / 2);
                outputs.push(Output::new("d_logps", self.len, p.d_logps.clone()));
                outputs.push(Output::new("d_chosen_logps", self.len, chosen.to_vec()));
                outputs.push(Output::new("d_rejected_logps", self.len, rejected.to_vec()));
                return outputs;
            }
            Head::Logits(_) => outputs.push(Output::new("d_logits", self.v, p.d_logits.clone())),
            Head::Hidden { h, bias, .. } => {
                outputs.push(Output::new("d_hidden", *h, p.d_hidden.clone()));
                outputs.push(Output::new("d_weight", *h, p.d_weight.clone()));
                if bias.is_some() {
                    outputs.push(Output::new("d_bias", 1, p.d_bias.clone()));
                }
            }
        }
        outputs.push(Output::new("token_logps", self.len, plane(&p.tokens, token::LOGP, n)));
        outputs
    }

    /// `hidden · weightᵀ`: what a file's own logits must be, in the rows that count.
    fn logits<T: Number>(&self, hidden: &[T], weight: &[T], h: usize) -> Vec<T> {
        let dot = |x: &[T], w: &[T]| T::dot(x.iter().copied().zip(w.iter().copied()));
        let row = |i| -> Vec<T> {
            let x = &hidden[i * h..][..h];
            match self.rules.of(&self.labels, i) {
                None => vec![T::unknown(); self.v],
                Some(_) => (0..self.v).map(|j| dot(x, &weight[j * h..][..h])).collect(),
            }
        };
        (0..self.labels.len()).flat_map(row).collect()
    }

    fn run<T: Number>(&self) -> Result<StepPlanes<T>, Error> {
        let (n, rows) = (self.labels.len(), 2 * self.pairs);
        let ref_logps = inputs::<T>(&self.ref_logps);
        let extras = self.extras.each_ref().map(|plane| plane.as_deref().map(inputs::<T>));
        let [weight, margin, preference] = extras.each_ref().map(|plane| plane.as_deref().map(Plane::from));
        let batch = Batch {
            labels: &self.labels,
            rules: self.rules,
            pairs: self.pairs,
            len: self.len,
            reference: Reference::Token(&ref_logps),
            reduction: self.reduction,
            extras: Extras { weight, margin, preference },
        };
        let given = matches!(self.head, Head::Logps(_));
        let mut p = StepPlanes {
            tokens: zeros(if given { 0 } else { token::PLANES.len() * n }),
            sequences: zeros(segment::PLANES.len() * rows),
            references: zeros(segment::PLANES.len() * rows),
            pairs: zeros(pair::PLANES.len() * self.pairs),
            summary: zeros(pair::LOGGED),
            d_logps: Vec::new(),
            d_logits: Vec::new(),
            d_hidden: Vec::new(),
            d_weight: Vec::new(),
            d_bias: Vec::new(),
        };
        let (mut d_tokens, mut scratch) = (zeros(n), zeros::<T>(2 * n));
        let words = self.tail_words()?;
        let tail = self.tail.map(|weight| Tail { words: &words, weight });
        let mut out = StepOut {
            tokens: &mut p.tokens,
            sequences: &mut p.sequences,
            ref_sequences: &mut p.references,
            pairs: &mut p.pairs,
            summary: &mut p.summary,
            d_tokens: &mut d_tokens,
        };
        match &self.head {
            Head::Logps(logps) => {
                let logps = inputs::<T>(logps);
                match tail {
                    None => step_from_logps(&self.loss, &batch, &logps, &mut out)?,
                    Some(tail) => {
                        tail_step_from_logps(&self.loss, &batch, &tail, &logps, (&mut scratch, &mut out))?;
                    }
                }
                p.d_logps = d_tokens;
            }
            Head::Logits(logits) => {
                let logits = inputs::<T>(logits);
                p.d_logits = zeros(logits.len());
                let head = (&logits[..], self.v);
                let (loss, op, d_logits) = (&self.loss, Token::default(), &mut p.d_logits);
                match tail {
                    None => step_from_logits(loss, &op, &batch, head, &mut out, d_logits)?,
                    Some(tail) => {
                        let work = (&mut scratch[..], &mut out);
                        tail_step_from_logits(loss, &op, &batch, &tail, head, work, d_logits)?;
                    }
                }
            }
            Head::Hidden { hidden, weight, bias, h } => {
                let (hidden, weight) = (inputs::<T>(hidden), inputs::<T>(weight));
                let bias = bias.as_deref().map(inputs::<T>);
                (p.d_hidden, p.d_weight) = (zeros(hidden.len()), zeros(weight.len()));
                p.d_bias = zeros(bias.as_deref().map_or(0, <[T]>::len));
                let (h, v, labels, rules) = (*h, self.v, &self.labels[..], self.rules);
                let x =
                    Hidden { hidden: &hidden, weight: &weight, bias: bias.as_deref(), h, v, labels, rules };
                let (d_hidden, d_weight) = (&mut p.d_hidden[..], &mut p.d_weight[..]);
                let d_bias = bias.is_some().then_some(&mut p.d_bias[..]);
                let gradients = HiddenGradients { d_hidden, d_weight, d_bias };
                let mut scratch = vec![T::zero(); (n + 1) * v];
                let work = (&mut scratch[..], gradients);
                step_from_hidden(&self.loss, &Linear::default(), &batch, &x, &mut out, work)?;
            }
        }
        Ok(p)
    }
}

impl<L: PairLink> Compute for StepProblem<L> {
    fn op(&self) -> &'static str {
        L::SPEC.slug
    }

    fn cpu<T: Number>(&self) -> Result<Outputs<T>, Error> {
        let planes = self.run::<T>()?;
        let (rows, b) = (2 * self.pairs, self.pairs);
        let logps = &planes.sequences[segment::VALUE * rows..][..rows];
        let mean = |logps: &[T]| T::lift(1.0 / b.max(1) as f64) * T::total(logps.iter().copied());
        let mut outputs = self.outputs(&planes);
        outputs.push(Output::new("logps_mean", 2, vec![mean(&logps[..b]), mean(&logps[b..])]));
        if let Head::Hidden { hidden, weight, bias: None, h } = &self.head {
            let logits = self.logits(&inputs::<T>(hidden), &inputs::<T>(weight), *h);
            outputs.push(Output::new("logits", self.v, logits));
        }
        Ok(outputs)
    }

    fn gpu(&self, rig: &Rig) -> Result<Outputs<f32>, RunError> {
        Ok(self.outputs(&rig.pair_step(self)?))
    }
}
