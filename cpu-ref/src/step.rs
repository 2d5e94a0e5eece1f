//! A whole training step of a pair loss: hidden states, logits or nothing → token log-probs → sequence log-probs → loss →
//! gradients.
//!
//! Rows `0..B` are the chosen responses, `B..2B` the rejected ones, `[2B, T]` tokens. The stages are the public
//! drivers, in order; nothing here computes anything. A stage may refuse what the one before it has computed: then
//! the slices of [`StepOut`] hold what was done so far, and the gradients are as they were.

mod single;
mod tail;
mod tdpo;

use bellwether_core::Error;
use bellwether_core::logprob::{Linear, SequenceSum, Token};
use bellwether_core::pair::PairLoss;
use bellwether_core::sig::segment_stats::{COUNT, Keep, Segments, VALUE};
use bellwether_core::sig::token_rows::{LOGP, Labels, Shift};
use bellwether_core::sig::{Reduction, pair_rows as pair, segment_stats as segment, token_rows as token};

pub use single::{
    SingleBatch, SingleOut, single_step_from_hidden, single_step_from_logits, single_step_from_logps,
};
pub use tail::{Tail, tail_step_from_logits, tail_step_from_logps};
pub use tdpo::{TdpoBatch, TdpoOut, tdpo_step};

use crate::fused_linear::{Hidden, HiddenGradients, check_backward, fused_linear, fused_linear_backward};
use crate::pair_rows::{Extras, PairInputs, PairLink, pair_rows};
use crate::rows::{Scalar, exactly, product};
use crate::segment_stats::{Values, segment_stats, segment_stats_backward};
use crate::token_rows::{TokenUpstream, Tokens, token_rows, token_rows_backward};

/// Log-probabilities under the reference model.
#[derive(Clone, Copy, Debug)]
pub enum Reference<'a, T> {
    /// Per token, `[2B · T]`; summed over the tokens that count.
    Token(&'a [T]),
    /// Per sequence, `[2B]`.
    Sequence(&'a [T]),
}

/// One batch.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a, T> {
    /// Labels, `[2B · T]`.
    pub labels: &'a [i32],
    /// Which label scores which row; `seq_len` is `T`.
    pub rules: Labels,
    /// Pairs.
    pub pairs: usize,
    /// Tokens per response, padding included.
    pub len: usize,
    /// The reference.
    pub reference: Reference<'a, T>,
    /// How the losses of the pairs become one.
    pub reduction: Reduction,
    /// Weights, margins and preferences of the pairs.
    pub extras: Extras<'a, T>,
}

/// Where the intermediate and final numbers of a step go.
#[derive(Debug)]
pub struct StepOut<'a, T> {
    /// Planes of TokenRows, `[10, 2B · T]`; empty where token log-probabilities are given.
    pub tokens: &'a mut [T],
    /// Planes of SegmentStats, `[3, 2B]`: log-probability and length of each response.
    pub sequences: &'a mut [T],
    /// The same of the reference; only the first plane is filled where it was given per sequence.
    pub ref_sequences: &'a mut [T],
    /// Planes of PairRows, `[8, B]`.
    pub pairs: &'a mut [T],
    /// Reduced loss, rewards of chosen and rejected, margin, accuracy, as a training logs them: `[5]`.
    pub summary: &'a mut [T],
    /// Gradient of the reduced loss by every token's log-probability, `[2B · T]`.
    pub d_tokens: &'a mut [T],
}

impl<'a, T> StepOut<'a, T> {
    /// How many elements the six slices have together; `usize::MAX` where no index reaches the last.
    #[must_use]
    pub const fn elements(pairs: usize, len: usize) -> usize {
        let response = len.saturating_mul(token::PLANES.len() + 1).saturating_add(2 * segment::PLANES.len());
        let pair = response.saturating_mul(2).saturating_add(pair::PLANES.len());
        pairs.saturating_mul(pair).saturating_add(pair::LOGGED)
    }

    /// Carves the six slices out of one workspace of at least [`elements`](Self::elements).
    ///
    /// # Errors
    /// The workspace is too short.
    pub fn carve(workspace: &'a mut [T], pairs: usize, len: usize) -> Result<Self, Error> {
        let (expected, given) = (Self::elements(pairs, len), workspace.len());
        if expected == usize::MAX {
            return Err(Error::SizeOverflow { op: "step", arg: "workspace" });
        }
        if given < expected {
            return Err(Error::ShapeMismatch { op: "step", arg: "workspace", expected, given });
        }
        let (n, rows) = (2 * pairs * len, 2 * pairs);
        let (tokens, rest) = workspace.split_at_mut(token::PLANES.len() * n);
        let (sequences, rest) = rest.split_at_mut(segment::PLANES.len() * rows);
        let (ref_sequences, rest) = rest.split_at_mut(segment::PLANES.len() * rows);
        let (pairs, rest) = rest.split_at_mut(pair::PLANES.len() * pairs);
        let (summary, rest) = rest.split_at_mut(pair::LOGGED);
        Ok(Self { tokens, sequences, ref_sequences, pairs, summary, d_tokens: &mut rest[..n] })
    }
}

impl<T: Scalar> Batch<'_, T> {
    fn values<'s>(&'s self, values: &'s [T]) -> Values<'s, T> {
        Values {
            values,
            segments: Segments::Padded { count: 2 * self.pairs, len: self.len },
            keep: Keep::Labelled { labels: self.labels, rules: self.rules },
        }
    }

    /// From token log-probabilities, given or in `out.tokens`, to the gradient of each.
    fn loss<L: PairLink>(
        &self,
        loss: &PairLoss<L>,
        given: Option<&[T]>,
        out: &mut StepOut<'_, T>,
    ) -> Result<(), Error> {
        let (rows, n) = (2 * self.pairs, self.labels.len());
        let sum = SequenceSum {};
        let logps = given.unwrap_or_else(|| &out.tokens[LOGP * n..][..n]);
        segment_stats(&sum, &self.values(logps), Reduction::Sum, out.sequences)?;
        match self.reference {
            Reference::Token(x) => segment_stats(&sum, &self.values(x), Reduction::Sum, out.ref_sequences)?,
            Reference::Sequence(x) => out.ref_sequences[..rows].copy_from_slice(x),
        }
        self.pair_loss(loss, out)?;
        // The gradients of chosen and rejected are neighbouring planes: one upstream gradient per response.
        let upstream = &out.pairs[pair::D_CHOSEN * self.pairs..][..rows];
        let logps = given.unwrap_or_else(|| &out.tokens[LOGP * n..][..n]);
        let logps = self.values(logps);
        segment_stats_backward(&sum, &logps, Reduction::Sum, upstream, out.d_tokens)
    }

    /// From sequence log-probabilities to the loss of each pair and the averages that a training logs.
    fn pair_loss<L: PairLink>(&self, loss: &PairLoss<L>, out: &mut StepOut<'_, T>) -> Result<(), Error> {
        let (b, rows) = (self.pairs, 2 * self.pairs);
        let (chosen, rejected) = out.sequences[VALUE * rows..][..rows].split_at(b);
        let (ref_chosen, ref_rejected) = out.ref_sequences[VALUE * rows..][..rows].split_at(b);
        let (len_chosen, len_rejected) = out.sequences[COUNT * rows..][..rows].split_at(b);
        let inputs = PairInputs::new(chosen, rejected, ref_chosen, ref_rejected)
            .with_lengths(len_chosen, len_rejected)
            .with_extras(self.extras);
        pair_rows(loss, &inputs, self.reduction, out.pairs)?;
        let scale = T::lift(self.reduction.scale());
        for (plane, slot) in out.summary.iter_mut().enumerate() {
            *slot = scale * T::total(out.pairs[plane * b..][..b].iter().copied());
        }
        Ok(())
    }

    /// The parameters are in range, every slice has the size of its shape, and sequences are as long as the labels'
    /// rules say.
    fn check<L: PairLink>(
        &self,
        loss: &PairLoss<L>,
        token_planes: usize,
        out: &StepOut<'_, T>,
    ) -> Result<(), Error> {
        const OP: &str = "step";
        loss.check()?;
        self.reduction.check(OP)?;
        let rows = product(OP, "pairs", 2, self.pairs)?;
        let n = product(OP, "labels", rows, self.len)?;
        exactly(OP, "labels", self.labels, n)?;
        if self.rules.shift == Shift::Next && n > 0 && self.rules.seq_len != self.len {
            let (expected, given) = (self.len, self.rules.seq_len);
            return Err(Error::ShapeMismatch { op: OP, arg: "rules.seq_len", expected, given });
        }
        match self.reference {
            Reference::Token(x) => exactly(OP, "reference", x, n)?,
            Reference::Sequence(x) => exactly(OP, "reference", x, rows)?,
        }
        for (arg, slice, planes, of) in [
            ("tokens", &*out.tokens, token_planes, n),
            ("sequences", &*out.sequences, segment::PLANES.len(), rows),
            ("ref_sequences", &*out.ref_sequences, segment::PLANES.len(), rows),
            ("pairs", &*out.pairs, pair::PLANES.len(), self.pairs),
            ("summary", &*out.summary, pair::LOGGED, 1),
            ("d_tokens", &*out.d_tokens, 1, n),
        ] {
            exactly(OP, arg, slice, product(OP, arg, planes, of)?)?;
        }
        Ok(())
    }
}

/// The step from token log-probabilities `[2B · T]`: `out.d_tokens` is the gradient of the reduced loss by each.
///
/// # Errors
/// Those of the stages.
pub fn step_from_logps<L: PairLink, T: Scalar>(
    loss: &PairLoss<L>,
    batch: &Batch<'_, T>,
    logps: &[T],
    out: &mut StepOut<'_, T>,
) -> Result<(), Error> {
    batch.check(loss, 0, out)?;
    exactly("step", "logps", logps, batch.labels.len())?;
    batch.loss(loss, Some(logps), out)
}

/// The step from logits `[2B · T, v]`, with the gradient of the reduced loss by every logit.
///
/// # Errors
/// Those of the stages.
pub fn step_from_logits<L: PairLink, T: Scalar>(
    loss: &PairLoss<L>,
    token: &Token,
    batch: &Batch<'_, T>,
    (logits, v): (&[T], usize),
    out: &mut StepOut<'_, T>,
    d_logits: &mut [T],
) -> Result<(), Error> {
    batch.check(loss, token::PLANES.len(), out)?;
    exactly("step", "d_logits", d_logits, product("step", "d_logits", batch.labels.len(), v)?)?;
    let tokens = Tokens::new(logits, v, batch.labels, batch.rules);
    token_rows(token, &tokens, out.tokens)?;
    batch.loss(loss, None, out)?;
    let up = TokenUpstream { logp: Some(&*out.d_tokens), ..TokenUpstream::default() };
    token_rows_backward(token, &tokens, &up, d_logits)
}

/// The step from hidden states and LM-head weight (labels and rules in `hidden` are the batch's), with gradients by
/// both. `scratch` as in [`fused_linear_backward`].
///
/// # Errors
/// Those of the stages.
pub fn step_from_hidden<L: PairLink, T: Scalar>(
    loss: &PairLoss<L>,
    linear: &Linear,
    batch: &Batch<'_, T>,
    hidden: &Hidden<'_, T>,
    out: &mut StepOut<'_, T>,
    (scratch, gradients): (&mut [T], HiddenGradients<'_, T>),
) -> Result<(), Error> {
    batch.check(loss, token::PLANES.len(), out)?;
    if (hidden.labels, hidden.rules) != (batch.labels, batch.rules) {
        let why = "both must be the same";
        return Err(Error::InvalidCombination {
            op: "step",
            arg: "hidden.labels",
            with: "batch.labels",
            why,
        });
    }
    check_backward(linear, hidden, scratch, &gradients)?;
    fused_linear(linear, hidden, scratch, out.tokens)?;
    batch.loss(loss, None, out)?;
    let up = TokenUpstream { logp: Some(&*out.d_tokens), ..TokenUpstream::default() };
    fused_linear_backward(linear, hidden, &up, scratch, gradients)
}
