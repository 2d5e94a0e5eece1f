//! Length-desensitised likelihoods: which tokens of a pair are beyond the length that both responses have.

use crate::Error;
use crate::op::require;
use crate::sig::token_rows::{Labels, Shift};

const OP: &str = "pair_step";

/// How many words [`tail_words`] writes: `2B·T + 4B + 1`; `usize::MAX` where no index reaches the last.
#[must_use]
pub const fn tail_words_len(pairs: usize, len: usize) -> usize {
    let rows = pairs.saturating_mul(2).saturating_mul(len);
    rows.saturating_add(pairs.saturating_mul(4)).saturating_add(1)
}

/// The two parts of each response as a step takes them: for each of the `2B·T` rows whether it counts, then the offsets
/// of `4B` segments: the first tokens of response 0, as many as the shorter of its pair has, and its tail; then response
/// 1's, and so on. The shorter response's tail counts nothing.
///
/// LD-DPO (Liu et al. 2024, arXiv:2409.06411) weighs the tail's log-probabilities with `α`, in [0, 1], in policy and
/// reference: `S = Σ_shared logp + α Σ_tail logp`, so the tail's tokens get `α` of the gradient.
///
/// ```
/// use bellwether_core::pair::{tail_words, tail_words_len};
/// use bellwether_core::sig::token_rows::Labels;
/// let mut words = vec![9; tail_words_len(1, 3)];
/// tail_words(&[5, 5, 5, 5, -100, -100], Labels { seq_len: 3, ..Labels::default() }, (1, 3), &mut words)?;
/// assert_eq!(words, [1, 1, 1, 1, 0, 0, 0, 1, 3, 4, 6]);
/// # Ok::<(), bellwether_core::Error>(())
/// ```
///
/// # Errors
/// Labels or words of another number.
pub fn tail_words(
    labels: &[i32],
    rules: Labels,
    (pairs, len): (usize, usize),
    words: &mut [u32],
) -> Result<(), Error> {
    let exactly = |arg, expected, given| {
        if expected == given { Ok(()) } else { Err(Error::ShapeMismatch { op: OP, arg, expected, given }) }
    };
    exactly("words", tail_words_len(pairs, len), words.len())?;
    exactly("labels", 2 * pairs * len, labels.len())?;
    if rules.shift == Shift::Next && !labels.is_empty() {
        exactly("rules.seq_len", len, rules.seq_len)?;
    }
    let counts = |row: usize| rules.of(labels, row).is_some();
    let kept = |s: usize| (s * len..(s + 1) * len).filter(|&row| counts(row));
    let (keep, offsets) = words.split_at_mut(labels.len());
    keep.iter_mut().enumerate().for_each(|(row, word)| *word = u32::from(counts(row)));
    offsets[0] = 0;
    for s in 0..2 * pairs {
        let partner = if s < pairs { s + pairs } else { s - pairs };
        let shared = kept(s).count().min(kept(partner).count());
        let tail = kept(s).take(shared).last().map_or(s * len, |row| row + 1);
        let word = |row| u32::try_from(row).map_err(|_| Error::SizeOverflow { op: OP, arg: "words" });
        (offsets[2 * s + 1], offsets[2 * s + 2]) = (word(tail)?, word((s + 1) * len)?);
    }
    Ok(())
}

/// Whether a tail's weight is in its range.
///
/// # Errors
/// [`Error::InvalidParameter`].
pub fn check_tail_weight(weight: f64) -> Result<(), Error> {
    require((0.0..=1.0).contains(&weight), OP, "tail.weight", weight, "in [0, 1]")
}
