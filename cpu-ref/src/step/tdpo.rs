//! A step of token-level DPO: both models' logits → log-probabilities and divergences of responses → loss → gradient of
//! the policy's logits.

use bellwether_core::Error;
use bellwether_core::logprob::Kl;
use bellwether_core::pair::{PairLoss, SequentialKl};
use bellwether_core::sig::Reduction;
use bellwether_core::sig::logit_pairs::{By, LOGP, PLANES, PairLayout, REF_LOGP, VALUE as KL};
use bellwether_core::sig::segment_stats::{COUNT, PLANES as SUMS, VALUE};
use bellwether_core::sig::token_rows::Labels;
use bellwether_core::sig::{pair_rows as pair, token_rows::Shift};

use crate::logit_pairs::{LogitPairs, logit_pairs, logit_pairs_backward};
use crate::pair_rows::{PairInputs, PairLink, pair_rows};
use crate::rows::{Scalar, exactly, product};

const OP: &str = "tdpo_step";

/// One batch: rows `0..B` chosen, `B..2B` rejected, `[2B, T]` tokens.
#[derive(Clone, Copy, Debug)]
pub struct TdpoBatch<'a, T> {
    /// The policy's logits, `[2B · T, v]`.
    pub logits: &'a [T],
    /// The reference's.
    pub ref_logits: &'a [T],
    /// Logits per row.
    pub v: usize,
    /// Labels, `[2B · T]`.
    pub labels: &'a [i32],
    /// Which label scores which row; `seq_len` is `T`.
    pub rules: Labels,
    /// Pairs.
    pub pairs: usize,
    /// Tokens per response, padding included.
    pub len: usize,
    /// How the losses of the pairs become one.
    pub reduction: Reduction,
}

/// Where the intermediate and final numbers of a step go.
#[derive(Debug)]
pub struct TdpoOut<'a, T> {
    /// Planes of `logprob/kl`, `[10, 2B · T]`.
    pub tokens: &'a mut [T],
    /// Per response: `Σ logp + κF`, the number of tokens, `Σ ref_logp`, `F`: `[4, 2B]`.
    pub sequences: &'a mut [T],
    /// Planes of PairRows, `[8, B]`.
    pub pairs: &'a mut [T],
    /// Reduced loss, rewards of chosen and rejected, margin, accuracy: `[5]`.
    pub summary: &'a mut [T],
    /// Gradient of the reduced loss by every token's log-probability and divergence, `[2, 2B · T]`.
    pub d_tokens: &'a mut [T],
}

/// Plane of `sequences`: log-probabilities under the reference.
const REFERENCE: usize = 2;
/// Plane of `sequences`: divergences.
const DIVERGENCE: usize = 3;

impl<T: Scalar> TdpoBatch<'_, T> {
    fn check(&self, out: &TdpoOut<'_, T>, d_logits: &[T]) -> Result<(), Error> {
        self.reduction.check(OP)?;
        let rows = product(OP, "pairs", 2, self.pairs)?;
        let n = product(OP, "labels", rows, self.len)?;
        exactly(OP, "labels", self.labels, n)?;
        if self.rules.shift == Shift::Next && n > 0 && self.rules.seq_len != self.len {
            let (expected, given) = (self.len, self.rules.seq_len);
            return Err(Error::ShapeMismatch { op: OP, arg: "rules.seq_len", expected, given });
        }
        for (arg, slice, planes, of) in [
            ("tokens", &*out.tokens, PLANES, n),
            ("sequences", &*out.sequences, SUMS.len() + 1, rows),
            ("pairs", &*out.pairs, pair::PLANES.len(), self.pairs),
            ("summary", &*out.summary, pair::LOGGED, 1),
            ("d_tokens", &*out.d_tokens, 2, n),
            ("d_logits", d_logits, self.v, n),
        ] {
            exactly(OP, arg, slice, product(OP, arg, planes, of)?)?;
        }
        Ok(())
    }

    /// The rows of response `s` that count.
    fn kept(&self, s: usize) -> impl Iterator<Item = usize> + '_ {
        (s * self.len..(s + 1) * self.len).filter(|&i| self.rules.of(self.labels, i).is_some())
    }

    /// Sums over responses.
    fn sequences(&self, kl: &SequentialKl, out: &mut TdpoOut<'_, T>) {
        let (n, rows) = (self.labels.len(), 2 * self.pairs);
        for s in 0..rows {
            let sum = |plane: usize| T::total(self.kept(s).map(|i| out.tokens[plane * n + i]));
            let (logp, ref_logp, divergence) = (sum(LOGP), sum(REF_LOGP), sum(KL));
            out.sequences[VALUE * rows + s] = logp + T::lift(kl.weight).weigh(divergence);
            out.sequences[COUNT * rows + s] = T::lift(self.kept(s).count() as f64);
            out.sequences[REFERENCE * rows + s] = ref_logp;
            out.sequences[DIVERGENCE * rows + s] = divergence;
        }
    }

    fn pair_loss<L: PairLink>(&self, loss: &PairLoss<L>, out: &mut TdpoOut<'_, T>) -> Result<(), Error> {
        let (b, rows) = (self.pairs, 2 * self.pairs);
        let halves = |plane: usize| out.sequences[plane * rows..][..rows].split_at(b);
        let ((chosen, rejected), (ref_chosen, ref_rejected)) = (halves(VALUE), halves(REFERENCE));
        let (chosen_len, rejected_len) = halves(COUNT);
        let inputs = PairInputs::new(chosen, rejected, ref_chosen, ref_rejected)
            .with_lengths(chosen_len, rejected_len);
        pair_rows(loss, &inputs, self.reduction, out.pairs)?;
        let scale = T::lift(self.reduction.scale());
        for (plane, slot) in out.summary.iter_mut().enumerate() {
            *slot = scale * T::total(out.pairs[plane * b..][..b].iter().copied());
        }
        Ok(())
    }
}

/// The step from both models' logits: `d_logits` is the gradient of the reduced loss by the policy's.
///
/// # Errors
/// Those of the stages; the term's parameters out of range, slices of another size.
pub fn tdpo_step<L: PairLink, T: Scalar>(
    loss: &PairLoss<L>,
    term: &SequentialKl,
    divergence: &Kl,
    batch: &TdpoBatch<'_, T>,
    out: &mut TdpoOut<'_, T>,
    d_logits: &mut [T],
) -> Result<(), Error> {
    loss.check()?;
    term.check()?;
    batch.check(out, d_logits)?;
    let TdpoBatch { logits, ref_logits, labels, rules, v, .. } = *batch;
    let rows = LogitPairs { logits, ref_logits, labels, mask: None, layout: PairLayout::packed(v, rules) };
    logit_pairs(divergence, &rows, out.tokens)?;
    batch.sequences(term, out);
    batch.pair_loss(loss, out)?;
    let (d_logp, d_kl) = out.d_tokens.split_at_mut(labels.len());
    d_logp.fill(T::zero());
    d_kl.fill(T::zero());
    for s in 0..2 * batch.pairs {
        // The gradients of chosen and rejected are neighbouring planes.
        let up = out.pairs[pair::D_CHOSEN * batch.pairs + s];
        let slope = T::lift(term.slopes()[usize::from(s >= batch.pairs)]);
        for i in batch.kept(s) {
            (d_logp[i], d_kl[i]) = (up, slope.weigh(up));
        }
    }
    let up = [Some(&*d_logp), Some(&*d_kl), None, None];
    logit_pairs_backward(divergence, &rows, &up, By::Policy, d_logits)
}
