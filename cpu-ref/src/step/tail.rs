//! Steps of length-desensitised pair losses: what is beyond the length that both responses have counts less.

use bellwether_core::Error;
use bellwether_core::logprob::Token;
use bellwether_core::pair::{PairLoss, check_tail_weight, tail_words_len};
use bellwether_core::sig::token_rows::{self as token, LOGP};

use super::{Batch, Reference, StepOut};
use crate::pair_rows::PairLink;
use crate::rows::{Scalar, exactly, product};
use crate::token_rows::{TokenUpstream, Tokens, token_rows, token_rows_backward};

/// The tails of a batch's responses.
#[derive(Clone, Copy, Debug)]
pub struct Tail<'a> {
    /// As [`tail_words`](bellwether_core::pair::tail_words) makes them of the batch's labels.
    pub words: &'a [u32],
    /// What a tail's log-probabilities are multiplied by; in [0, 1].
    pub weight: f64,
}

impl Tail<'_> {
    fn check(&self, pairs: usize, len: usize) -> Result<(), Error> {
        check_tail_weight(self.weight)?;
        exactly("step", "tail.words", self.words, tail_words_len(pairs, len))
    }

    /// The weight of a row: that of its segment, 0 where it does not count.
    fn of<T: Scalar>(&self, row: usize, (pairs, len): (usize, usize)) -> T {
        let (keep, offsets) = self.words.split_at(2 * pairs * len);
        if keep[row] == 0 {
            return T::zero();
        }
        let tail = offsets[2 * (row / len) + 1] as usize;
        if row < tail { T::one() } else { T::lift(self.weight) }
    }

    /// Weighted log-probabilities; those that do not count are not read.
    fn weigh<T: Scalar>(&self, shape: (usize, usize), from: &[T], to: &mut [T]) {
        to.iter_mut().enumerate().for_each(|(row, y)| *y = self.of::<T>(row, shape).weigh(from[row]));
    }
}

impl<T: Scalar> Batch<'_, T> {
    /// The loss on weighted log-probabilities, and the gradient by those that were given.
    fn desensitised<L: PairLink>(
        &self,
        loss: &PairLoss<L>,
        tail: &Tail<'_>,
        given: Option<&[T]>,
        (scratch, out): (&mut [T], &mut StepOut<'_, T>),
    ) -> Result<(), Error> {
        let (n, shape) = (self.labels.len(), (self.pairs, self.len));
        let (policy, reference) = scratch.split_at_mut(n);
        tail.weigh(shape, given.unwrap_or_else(|| &out.tokens[LOGP * n..][..n]), policy);
        let reference = match self.reference {
            Reference::Sequence(_) => self.reference,
            Reference::Token(x) => {
                tail.weigh(shape, x, reference);
                Reference::Token(reference)
            }
        };
        Batch { reference, ..*self }.loss(loss, Some(policy), out)?;
        let gradients = out.d_tokens.iter_mut().enumerate();
        gradients.for_each(|(row, d)| *d = tail.of::<T>(row, shape).weigh(*d));
        Ok(())
    }
}

/// [`step_from_logps`](super::step_from_logps) of a length-desensitised loss; `scratch` has `4B · T` elements. The
/// sequences in `out` are the weighted ones.
///
/// # Errors
/// Those of the stages, and a weight beyond [0, 1].
pub fn tail_step_from_logps<L: PairLink, T: Scalar>(
    loss: &PairLoss<L>,
    batch: &Batch<'_, T>,
    tail: &Tail<'_>,
    logps: &[T],
    (scratch, out): (&mut [T], &mut StepOut<'_, T>),
) -> Result<(), Error> {
    batch.check(loss, 0, out)?;
    tail.check(batch.pairs, batch.len)?;
    exactly("step", "logps", logps, batch.labels.len())?;
    exactly("step", "scratch", scratch, product("step", "scratch", 2, batch.labels.len())?)?;
    batch.desensitised(loss, tail, Some(logps), (scratch, out))
}

/// [`step_from_logits`](super::step_from_logits) of a length-desensitised loss, as [`tail_step_from_logps`].
///
/// # Errors
/// As [`tail_step_from_logps`].
pub fn tail_step_from_logits<L: PairLink, T: Scalar>(
    loss: &PairLoss<L>,
    op: &Token,
    batch: &Batch<'_, T>,
    tail: &Tail<'_>,
    (logits, v): (&[T], usize),
    (scratch, out): (&mut [T], &mut StepOut<'_, T>),
    d_logits: &mut [T],
) -> Result<(), Error> {
    batch.check(loss, token::PLANES.len(), out)?;
    tail.check(batch.pairs, batch.len)?;
    exactly("step", "scratch", scratch, product("step", "scratch", 2, batch.labels.len())?)?;
    exactly("step", "d_logits", d_logits, product("step", "d_logits", batch.labels.len(), v)?)?;
    let tokens = Tokens::new(logits, v, batch.labels, batch.rules);
    token_rows(op, &tokens, out.tokens)?;
    batch.desensitised(loss, tail, None, (scratch, out))?;
    let up = TokenUpstream { logp: Some(&*out.d_tokens), ..TokenUpstream::default() };
    token_rows_backward(op, &tokens, &up, d_logits)
}
