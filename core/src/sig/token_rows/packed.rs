//! Labels of sequences that stand one behind another, without padding.

use crate::Error;
use crate::logprob::Token;
use crate::op::Op;
use crate::sig::segment_stats::check_offsets;

/// The labels of packed sequences: row `t` scores token `t + 1` of its own sequence, and a sequence's last row scores
/// nothing.
///
/// Sequence `s` is `offsets[s]..offsets[s + 1]` of `tokens`: the `cu_seqlens` of attention on packed batches. A token that
/// is `ignore_index` itself (a prompt's, masked beforehand) is not counted. Use the labels with [`Labels::default`](super::Labels), that
/// is [`Shift::Aligned`](super::Shift::Aligned), and with
/// [`Segments::Packed`](crate::sig::segment_stats::Segments::Packed) of the same offsets: log-probabilities and sums are
/// those of the padded batch.
///
/// # Errors
/// Offsets that do not begin at 0, that fall, or that do not end at the number of tokens; `labels` of another length. It is
/// then untouched.
///
/// ```
/// use bellwether_core::sig::token_rows::packed_labels;
///
/// let mut labels = [0; 5];
/// packed_labels(&[11, 12, 13, 21, 22], &[0, 3, 5], -100, &mut labels)?;
/// assert_eq!(labels, [12, 13, -100, 22, -100]);
/// # Ok::<(), bellwether_core::Error>(())
/// ```
pub fn packed_labels(
    tokens: &[i32],
    offsets: &[u32],
    ignore_index: i32,
    labels: &mut [i32],
) -> Result<(), Error> {
    let (op, expected, given) = (Token::SPEC.slug, tokens.len(), labels.len());
    check_offsets(op, offsets, expected)?;
    if given != expected {
        return Err(Error::ShapeMismatch { op, arg: "labels", expected, given });
    }
    for ends in offsets.windows(2) {
        let own = ends[0] as usize..ends[1] as usize;
        let next = tokens[own.clone()].iter().skip(1).copied().chain([ignore_index]);
        labels[own].iter_mut().zip(next).for_each(|(label, token)| *label = token);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_sequences_and_single_tokens_score_nothing() {
        let mut labels = [7; 4];
        assert_eq!(packed_labels(&[1, 2, 3, 4], &[0, 0, 1, 4, 4], -100, &mut labels), Ok(()));
        assert_eq!(labels, [-100, 3, 4, -100]);
        assert_eq!(packed_labels(&[], &[0], -100, &mut []), Ok(()));
    }

    #[test]
    fn what_is_wrong_is_named_and_nothing_is_written() {
        let tokens = [1, 2, 3];
        let wrong = |offsets: &[u32], width: usize| {
            let mut labels = [7; 4];
            let answer = packed_labels(&tokens, offsets, -100, &mut labels[..width]);
            assert_eq!(labels, [7; 4]);
            answer.expect_err("it is wrong")
        };
        let op = "logprob/token";
        let offset = |row, index| Error::IndexOutOfRange { op, arg: "offsets", row, index, bound: 4 };
        assert_eq!(wrong(&[1, 3], 3), offset(0, 1));
        assert_eq!(wrong(&[0, 2, 1, 3], 3), offset(2, 1));
        assert_eq!(wrong(&[0, 4], 3), offset(1, 4));
        assert_eq!(wrong(&[0, 2], 3), Error::ShapeMismatch { op, arg: "values", expected: 2, given: 3 });
        assert_eq!(wrong(&[0, 3], 4), Error::ShapeMismatch { op, arg: "labels", expected: 3, given: 4 });
    }
}
