//! Whole steps of token-level DPO, from both models' logits.

use bellwether_core::Error;
use bellwether_core::logprob::Kl;
use bellwether_core::pair::{PairLoss, SequentialKl};
use bellwether_core::sig::token_rows::Labels;
use bellwether_core::sig::{Reduction, logit_pairs as token, pair_rows as pair};
use bellwether_cpu_ref::pair_rows::PairLink;
use bellwether_cpu_ref::step::{TdpoBatch, TdpoOut, tdpo_step};

use super::{Compute, Number, Output, Outputs, RunError, inputs, planes, zeros};
use crate::rig::Rig;

/// One batch: rows `0..B` chosen, `B..2B` rejected.
#[derive(Clone, Debug)]
pub struct TdpoProblem<L> {
    /// The loss.
    pub loss: PairLoss<L>,
    /// What a score has beside the log-ratio.
    pub term: SequentialKl,
    /// The temperature of both rows.
    pub divergence: Kl,
    /// `[2B · T, v]`: the policy's, and the reference's.
    pub logits: [Vec<f64>; 2],
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
    /// How the losses become one.
    pub reduction: Reduction,
}

/// The packed results of a step, as both backends give them.
#[derive(Clone, Debug)]
pub struct TdpoPlanes<T> {
    /// The scores of responses, `Σ logp + κF`.
    pub scores: Vec<T>,
    /// Planes of PairRows.
    pub pairs: Vec<T>,
    /// The five averages.
    pub summary: Vec<T>,
    /// Gradient by the policy's logits.
    pub d_logits: Vec<T>,
}

impl<L: PairLink> TdpoProblem<L> {
    fn outputs<T: Copy>(&self, p: TdpoPlanes<T>) -> Outputs<T> {
        let mut outputs = planes(&pair::PLANES, &p.pairs);
        outputs.push(Output::new("scores", 1, p.scores));
        outputs.push(Output::new("summary", pair::LOGGED, p.summary));
        outputs.push(Output::new("d_logits", self.v, p.d_logits));
        outputs
    }
}

impl<L: PairLink> Compute for TdpoProblem<L> {
    fn op(&self) -> &'static str {
        L::SPEC.slug
    }

    fn cpu<T: Number>(&self) -> Result<Outputs<T>, Error> {
        let (n, b) = (self.labels.len(), self.pairs);
        let [logits, ref_logits] = self.logits.each_ref().map(|x| inputs::<T>(x));
        let batch = TdpoBatch {
            logits: &logits,
            ref_logits: &ref_logits,
            v: self.v,
            labels: &self.labels,
            rules: self.rules,
            pairs: b,
            len: self.len,
            reduction: self.reduction,
        };
        let (mut tokens, mut scores) = (zeros(token::PLANES * n), zeros(4 * 2 * b));
        let (mut pairs, mut summary) = (zeros(pair::PLANES.len() * b), zeros(pair::LOGGED));
        let (mut d_tokens, mut d_logits) = (zeros(2 * n), zeros(n * self.v));
        let mut out = TdpoOut {
            tokens: &mut tokens,
            sequences: &mut scores,
            pairs: &mut pairs,
            summary: &mut summary,
            d_tokens: &mut d_tokens,
        };
        tdpo_step(&self.loss, &self.term, &self.divergence, &batch, &mut out, &mut d_logits)?;
        scores.truncate(2 * b);
        Ok(self.outputs(TdpoPlanes { scores, pairs, summary, d_logits }))
    }

    fn gpu(&self, rig: &Rig) -> Result<Outputs<f32>, RunError> {
        Ok(self.outputs(rig.tdpo_step(self)?))
    }
}
