//! Whole training steps of a pair loss, from logits or from hidden states.

use bellwether_core::Error;
use bellwether_core::logprob::{Linear, Token};
use bellwether_core::pair::PairLoss;
use bellwether_core::sig::token_rows::Labels;
use bellwether_core::sig::{Reduction, pair_rows as pair, segment_stats as segment, token_rows as token};
use bellwether_cpu_ref::fused_linear::{Hidden, HiddenGradients};
use bellwether_cpu_ref::pair_rows::PairLink;
use bellwether_cpu_ref::step::{Batch, Reference, StepOut, step_from_hidden, step_from_logits};

use super::{Compute, Number, Output, Outputs, RunError, inputs, zeros};
use crate::rig::Rig;

/// Where the logits of a step come from.
#[derive(Clone, Debug)]
pub enum Head {
    /// They are given: `[2B · T, v]`.
    Logits(Vec<f64>),
    /// Hidden states `[2B · T, h]` and LM-head weight `[v, h]`.
    Hidden {
        /// Hidden states.
        hidden: Vec<f64>,
        /// LM-head weight.
        weight: Vec<f64>,
        /// Width of a hidden state.
        h: usize,
    },
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
    /// Gradient by the logits; empty from hidden states.
    pub d_logits: Vec<T>,
    /// Gradient by the hidden states; empty from logits.
    pub d_hidden: Vec<T>,
    /// Gradient by the weight; empty from logits.
    pub d_weight: Vec<T>,
}

impl<L: PairLink> StepProblem<L> {
    fn outputs<T: Copy>(&self, p: &StepPlanes<T>) -> Outputs<T> {
        let (n, rows, b) = (self.labels.len(), 2 * self.pairs, self.pairs);
        let plane = |packed: &[T], i: usize, n: usize| packed[i * n..][..n].to_vec();
        let mut outputs = vec![
            Output::new("token_logps", self.len, plane(&p.tokens, token::LOGP, n)),
            Output::new("seq_logps", 1, plane(&p.sequences, segment::VALUE, rows)),
            Output::new("ref_seq_logps", 1, plane(&p.references, segment::VALUE, rows)),
            Output::new("per_pair", 1, plane(&p.pairs, pair::LOSS, b)),
            Output::new("rewards_chosen", 1, plane(&p.pairs, pair::REWARD_CHOSEN, b)),
            Output::new("rewards_rejected", 1, plane(&p.pairs, pair::REWARD_REJECTED, b)),
            Output::new("summary", pair::LOGGED, p.summary.clone()),
        ];
        match &self.head {
            Head::Logits(_) => outputs.push(Output::new("d_logits", self.v, p.d_logits.clone())),
            Head::Hidden { h, .. } => {
                outputs.push(Output::new("d_hidden", *h, p.d_hidden.clone()));
                outputs.push(Output::new("d_weight", *h, p.d_weight.clone()));
            }
        }
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
        let batch = Batch {
            labels: &self.labels,
            rules: self.rules,
            pairs: self.pairs,
            len: self.len,
            reference: Reference::Token(&ref_logps),
            reduction: self.reduction,
        };
        let mut p = StepPlanes {
            tokens: zeros(token::PLANES.len() * n),
            sequences: zeros(segment::PLANES.len() * rows),
            references: zeros(segment::PLANES.len() * rows),
            pairs: zeros(pair::PLANES.len() * self.pairs),
            summary: zeros(pair::LOGGED),
            d_logits: Vec::new(),
            d_hidden: Vec::new(),
            d_weight: Vec::new(),
        };
        let mut d_tokens = zeros(n);
        let mut out = StepOut {
            tokens: &mut p.tokens,
            sequences: &mut p.sequences,
            ref_sequences: &mut p.references,
            pairs: &mut p.pairs,
            summary: &mut p.summary,
            d_tokens: &mut d_tokens,
        };
        match &self.head {
            Head::Logits(logits) => {
                let logits = inputs::<T>(logits);
                p.d_logits = zeros(logits.len());
                let head = (&logits[..], self.v);
                step_from_logits(&self.loss, &Token::default(), &batch, head, &mut out, &mut p.d_logits)?;
            }
            Head::Hidden { hidden, weight, h } => {
                let (hidden, weight) = (inputs::<T>(hidden), inputs::<T>(weight));
                (p.d_hidden, p.d_weight) = (zeros(hidden.len()), zeros(weight.len()));
                let (h, v, labels, rules) = (*h, self.v, &self.labels[..], self.rules);
                let x = Hidden { hidden: &hidden, weight: &weight, bias: None, h, v, labels, rules };
                let (d_hidden, d_weight) = (&mut p.d_hidden[..], &mut p.d_weight[..]);
                let gradients = HiddenGradients { d_hidden, d_weight, d_bias: None };
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
        if let Head::Hidden { hidden, weight, h } = &self.head {
            let logits = self.logits(&inputs::<T>(hidden), &inputs::<T>(weight), *h);
            outputs.push(Output::new("logits", self.v, logits));
        }
        Ok(outputs)
    }

    fn gpu(&self, rig: &Rig) -> Result<Outputs<f32>, RunError> {
        Ok(self.outputs(&rig.pair_step(self)?))
    }
}
