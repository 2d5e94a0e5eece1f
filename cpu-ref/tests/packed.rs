//! Sequences one behind another, with offsets, are the padded batch: the same bits.

mod common;

use bellwether_core::logprob::{SequenceSum, Token};
use bellwether_core::sig::Reduction;
use bellwether_core::sig::segment_stats::{self as segment, Keep, Segments};
use bellwether_core::sig::token_rows::{self as token, Labels, packed_labels};
use bellwether_cpu_ref::segment_stats::{Values, segment_stats};
use bellwether_cpu_ref::token_rows::{Tokens, token_rows};
use common::{Tested, bits, labels as tokens_of, numbers};

const V: usize = 7;
const LEN: usize = 6;
const LENGTHS: [usize; 5] = [3, 1, 0, LEN, 4];

/// Log-probabilities of the tokens and their sums over the sequences.
fn run(
    logits: &[f64],
    labels: &[i32],
    rules: Labels,
    segments: Segments<'_>,
) -> Result<[Vec<f64>; 2], bellwether_core::Error> {
    let mut planes = vec![0.0; token::PLANES.len() * labels.len()];
    token_rows(&Token::at(0.75), &Tokens::new(logits, V, labels, rules), &mut planes)?;
    planes.truncate(labels.len());
    let values = Values { values: &planes, segments, keep: Keep::Labelled { labels, rules } };
    let mut sums = vec![0.0; segment::PLANES.len() * segments.count()];
    segment_stats(&SequenceSum {}, &values, Reduction::Sum, &mut sums)?;
    Ok([planes, sums])
}

#[test]
fn packed_sequences_are_the_padded_ones() -> Tested {
    let n: usize = LENGTHS.iter().sum();
    let (logits, tokens) = (numbers(n * V, 1), tokens_of(n, V));
    let (mut offsets, mut at) = (vec![0], 0);
    let (mut wide, mut rows) = (vec![f64::NAN; LENGTHS.len() * LEN * V], vec![-100; LENGTHS.len() * LEN]);
    for (s, len) in LENGTHS.into_iter().enumerate() {
        rows[s * LEN..][..len].copy_from_slice(&tokens[at..][..len]);
        wide[s * LEN * V..][..len * V].copy_from_slice(&logits[at * V..][..len * V]);
        at += len;
        offsets.push(at as u32);
    }
    let whole = Segments::Padded { count: LENGTHS.len(), len: LEN };
    let [padded, want] = run(&wide, &rows, Labels::next(LEN), whole)?;
    let mut labels = vec![0; n];
    packed_labels(&tokens, &offsets, -100, &mut labels)?;
    let [logp, sums] = run(&logits, &labels, Labels::default(), Segments::Packed { offsets: &offsets })?;
    assert_eq!(bits(&sums), bits(&want));
    let padded = LENGTHS.iter().enumerate().flat_map(|(s, len)| padded[s * LEN..][..*len].to_vec());
    assert_eq!(bits(&logp), bits(&padded.collect::<Vec<_>>()));
    // Tokens as they are: what a sequence's last row scores is left out of the sums.
    let [_, sums] = run(&logits, &tokens, Labels::next(n), Segments::Packed { offsets: &offsets })?;
    assert_eq!(bits(&sums), bits(&want));
    Ok(())
}
