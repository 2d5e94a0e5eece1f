//! Sequences one behind another, with offsets, are the padded batch: the same bits of every token and of every sequence.

mod common;

use bellwether_core::logprob::{SequenceMean, SequenceSum, Token};
use bellwether_core::sig::segment_stats::{COUNT, Keep, Segments, VALUE};
use bellwether_core::sig::token_rows::{LOGP, Labels, packed_labels};
use bellwether_gpu::{Context, Error, Planes, SegmentInputs, TokenInputs, TokenUpstream};
use common::{bits, context, noise};

const V: usize = 75;
const LEN: usize = 90;
/// Lengths: a single token, nothing, as long as the padding, more than a workgroup has lanes.
const LENGTHS: [usize; 6] = [3, 1, 0, LEN, 70, 12];

/// Tokens and logits of a batch, packed; the second token of a longer sequence is not counted.
struct Batch {
    offsets: Vec<u32>,
    tokens: Vec<i32>,
    logits: Vec<f32>,
}

fn batch() -> Batch {
    let mut offsets = vec![0];
    LENGTHS.iter().for_each(|len| offsets.push(offsets[offsets.len() - 1] + *len as u32));
    let n: usize = LENGTHS.iter().sum();
    let mut tokens: Vec<i32> = (0..n).map(|i| (i * 29 % V) as i32).collect();
    for (&first, len) in offsets.iter().zip(LENGTHS) {
        let prompt = usize::from(len > 3);
        tokens[first as usize..][..len][len.min(1)..][..prompt].fill(-100);
    }
    Batch { offsets, tokens, logits: noise(n * V, 1) }
}

/// Sums, means and gradients of the logits; `labels` by their rules.
struct Run {
    logp: Vec<f32>,
    sums: Planes,
    means: Planes,
    d_logits: Vec<f32>,
}

fn run(
    context: &Context,
    (logits, labels, rules): (&[f32], &[i32], Labels),
    (segments, keep): (Segments<'_>, Keep<'_>),
) -> Result<Run, Error> {
    let (op, inputs) = (Token::at(0.7), TokenInputs { logits, v: V, labels, rules });
    let planes = context.token_rows_blocking(&op, &inputs)?;
    let logp = planes.plane(LOGP).to_vec();
    let of = SegmentInputs { segments, keep, scale: 1.0 };
    let sums = context.segments_blocking(&SequenceSum {}, &of, &logp)?;
    let means = context.segments_blocking(&SequenceMean {}, &of, &logp)?;
    let up = noise(segments.count(), 2);
    let d_logp = context.segments_backward_blocking(&SequenceMean {}, &of, logp.len(), &means, &up)?;
    let up = TokenUpstream { logp: Some(&d_logp), ..TokenUpstream::default() };
    let d_logits = context.token_rows_backward_blocking(&op, &inputs, &planes, &up)?;
    Ok(Run { logp, sums, means, d_logits })
}

/// The batch in rows of `LEN` tokens, NaN where there is none.
fn padded(context: &Context, batch: &Batch) -> Result<Run, Error> {
    let (mut logits, mut labels) = (vec![f32::NAN; LENGTHS.len() * LEN * V], vec![-100; LENGTHS.len() * LEN]);
    for (s, (&first, len)) in batch.offsets.iter().zip(LENGTHS).enumerate() {
        labels[s * LEN..][..len].copy_from_slice(&batch.tokens[first as usize..][..len]);
        logits[s * LEN * V..][..len * V].copy_from_slice(&batch.logits[first as usize * V..][..len * V]);
    }
    let rules = Labels::next(LEN);
    let segments = Segments::Padded { count: LENGTHS.len(), len: LEN };
    run(context, (&logits, &labels, rules), (segments, Keep::Labelled { labels: &labels, rules }))
}

/// What of a padded array stands in a packed one.
fn unpadded(padded: &[f32], width: usize) -> Vec<f32> {
    let row = |(s, len): (usize, &usize)| padded[s * LEN * width..][..len * width].to_vec();
    LENGTHS.iter().enumerate().flat_map(row).collect()
}

fn assert_same(packed: &Run, padded: &Run) {
    assert_eq!(bits(&packed.sums.data), bits(&padded.sums.data));
    assert_eq!(bits(&packed.means.data), bits(&padded.means.data));
    assert_eq!(bits(&packed.d_logits), bits(&unpadded(&padded.d_logits, V)));
    assert_eq!(packed.sums.plane(COUNT), [2.0, 0.0, 0.0, 88.0, 68.0, 10.0]);
    assert!(packed.sums.plane(VALUE)[3] < -100.0);
}

/// Labels of the next token inside each sequence, made from the offsets.
#[test]
fn labels_from_offsets() -> Result<(), Error> {
    let Some(context) = context() else { return Ok(()) };
    let (batch, mut labels) = (batch(), vec![0; LENGTHS.iter().sum()]);
    packed_labels(&batch.tokens, &batch.offsets, -100, &mut labels)?;
    let rules = Labels::default();
    let keep = Keep::Labelled { labels: &labels, rules };
    let segments = Segments::Packed { offsets: &batch.offsets };
    let packed = run(&context, (&batch.logits, &labels, rules), (segments, keep))?;
    let padded = padded(&context, &batch)?;
    assert_same(&packed, &padded);
    assert_eq!(bits(&packed.logp), bits(&unpadded(&padded.logp, 1)));
    Ok(())
}

/// Tokens as they stand on the device, and nothing made on the host: the segments leave out what a sequence's last row
/// scores, which is a token of the next.
#[test]
fn tokens_as_they_are() -> Result<(), Error> {
    let Some(context) = context() else { return Ok(()) };
    let batch = batch();
    let rules = Labels::next(batch.tokens.len());
    let keep = Keep::Labelled { labels: &batch.tokens, rules };
    let segments = Segments::Packed { offsets: &batch.offsets };
    let packed = run(&context, (&batch.logits, &batch.tokens, rules), (segments, keep))?;
    assert_same(&packed, &padded(&context, &batch)?);
    Ok(())
}
