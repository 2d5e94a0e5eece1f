//! The whole step against the same operators one by one.

mod common;

use bellwether_core::logprob::{Linear, SequenceSum, Token};
use bellwether_core::pair::presets;
use bellwether_core::sig::segment_stats::{Keep, Segments};
use bellwether_core::sig::token_rows::Shift;
use bellwether_core::sig::{Reduction, pair_rows};
use bellwether_gpu::{
    Context, Error, PairInputs, Planes, ReferenceKind, SegmentInputs, StepData, StepInputs, StepShape,
    TokenInputs, TokenUpstream,
};
use common::{assert_close, bits, context, noise};

const PAIRS: usize = 5;
const LEN: usize = 6;
const V: usize = 11;
const ROWS: usize = 2 * PAIRS * LEN;

const SHAPE: StepShape = StepShape {
    pairs: PAIRS,
    len: LEN,
    v: V,
    ignore_index: -100,
    shift: Shift::Next,
    reduction: Reduction::Mean { over: PAIRS as u32 },
    reference: ReferenceKind::PerToken,
};

/// Prompts of two tokens, padding at the end of every third response.
fn labels() -> Vec<i32> {
    let label = |i: usize| match (i % LEN, i / LEN % 3) {
        (0 | 1, _) | (5, 0) => -100,
        _ => (i % V) as i32,
    };
    (0..ROWS).map(label).collect()
}

/// The step by tier-3 calls, one operator at a time.
fn one_by_one(
    context: &Context,
    logits: &[f32],
    labels: &[i32],
    reference: &[f32],
) -> Result<(Planes, Vec<f32>), Error> {
    let rules = SHAPE.labels();
    let tokens = TokenInputs { logits, v: V, labels, rules };
    let planes = context.token_rows_blocking(&Token::default(), &tokens)?;
    let segments = Segments::Padded { count: 2 * PAIRS, len: LEN };
    let inputs = SegmentInputs { segments, keep: Keep::Labelled { labels, rules }, scale: 1.0 };
    let policy = context.segments_blocking(&SequenceSum {}, &inputs, planes.plane(0))?;
    let anchor = context.segments_blocking(&SequenceSum {}, &inputs, reference)?;
    let halves = |planes: &Planes, i: usize| {
        let (chosen, rejected) = planes.plane(i).split_at(PAIRS);
        (chosen.to_vec(), rejected.to_vec())
    };
    let ((chosen, rejected), (ref_chosen, ref_rejected)) = (halves(&policy, 0), halves(&anchor, 0));
    let (chosen_len, rejected_len) = halves(&policy, 1);
    let inputs_of_pairs = PairInputs {
        chosen: &chosen,
        rejected: &rejected,
        ref_chosen: &ref_chosen,
        ref_rejected: &ref_rejected,
        chosen_len: &chosen_len,
        rejected_len: &rejected_len,
        ..PairInputs::default()
    };
    let pair = context.pair_rows_blocking(&presets::DPO_NORM, &inputs_of_pairs, SHAPE.reduction)?;
    let slopes = [pair.plane(pair_rows::D_CHOSEN), pair.plane(pair_rows::D_REJECTED)].concat();
    let up = context.segments_backward_blocking(&SequenceSum {}, &inputs, ROWS, &policy, &slopes)?;
    let up = TokenUpstream { logp: Some(&up), ..TokenUpstream::default() };
    let gradient = context.token_rows_backward_blocking(&Token::default(), &tokens, &planes, &up)?;
    Ok((pair, gradient))
}

#[test]
fn a_step_is_its_operators_in_a_row() -> Result<(), Error> {
    let Some(context) = context() else { return Ok(()) };
    let (logits, labels, reference) = (noise(ROWS * V, 1), labels(), noise(ROWS, 2));
    let (pair, gradient) = one_by_one(&context, &logits, &labels, &reference)?;
    let inputs = StepInputs { source: StepData::Logits(&logits), labels: &labels, reference: &reference };
    let step = context.pair_step_blocking(&presets::DPO_NORM, &Linear::default(), &SHAPE, &inputs)?;
    assert_eq!(bits(&step.pair.data), bits(&pair.data));
    assert_eq!(bits(&step.d_logits), bits(&gradient));
    for (i, &given) in step.summary.iter().enumerate() {
        let mean = pair.plane(i).iter().sum::<f32>() / PAIRS as f32;
        assert!((given - mean).abs() < 1e-5, "plane {i}: {given}, expected {mean}");
    }
    assert!(step.pair.plane(pair_rows::STATUS).iter().all(|&status| status == 0.0));
    Ok(())
}

#[test]
fn references_per_sequence_are_sums_of_those_per_token() -> Result<(), Error> {
    let Some(context) = context() else { return Ok(()) };
    let (logits, labels, reference) = (noise(ROWS * V, 3), labels(), noise(ROWS, 4));
    let inputs = StepInputs { source: StepData::Logits(&logits), labels: &labels, reference: &reference };
    let (loss, linear) = (presets::DPO_NORM, Linear::default());
    let per_token = context.pair_step_blocking(&loss, &linear, &SHAPE, &inputs)?;
    let sums = per_token.references.plane(0).to_vec();
    let shape = StepShape { reference: ReferenceKind::PerSequence, ..SHAPE };
    let inputs = StepInputs { reference: &sums, ..inputs };
    let per_sequence = context.pair_step_blocking(&loss, &linear, &shape, &inputs)?;
    assert_eq!(bits(&per_token.pair.data), bits(&per_sequence.pair.data));
    assert_eq!(bits(&per_token.d_logits), bits(&per_sequence.d_logits));
    Ok(())
}

#[test]
fn an_identity_weight_gives_the_step_of_logits() -> Result<(), Error> {
    let Some(context) = context() else { return Ok(()) };
    let (logits, labels, reference) = (noise(ROWS * V, 5), labels(), noise(ROWS, 6));
    let weight: Vec<f32> = (0..V * V).map(|i| if i % (V + 1) == 0 { 1.0 } else { 0.0 }).collect();
    let (loss, linear) = (presets::IPO_SUM, Linear::at(2.0));
    let inputs = StepInputs { source: StepData::Logits(&logits), labels: &labels, reference: &reference };
    let direct = context.pair_step_blocking(&loss, &linear, &SHAPE, &inputs)?;
    let source = StepData::Hidden { hidden: &logits, weight: &weight, h: V };
    let fused = context.pair_step_blocking(&loss, &linear, &SHAPE, &StepInputs { source, ..inputs })?;
    assert_close(&fused.pair.data, &direct.pair.data);
    assert_close(&fused.d_hidden, &direct.d_logits);
    let expected = |i: usize, j: usize| -> f32 {
        (0..ROWS).map(|row| direct.d_logits[row * V + i] * logits[row * V + j]).sum()
    };
    for i in 0..V {
        for j in 0..V {
            let (given, wanted) = (fused.d_weight[i * V + j], expected(i, j));
            assert!((given - wanted).abs() < 1e-4, "d_weight[{i}, {j}]: {given}, expected {wanted}");
        }
    }
    Ok(())
}

#[test]
fn empty_batches_and_empty_rows() -> Result<(), Error> {
    let Some(context) = context() else { return Ok(()) };
    let inputs = StepInputs { source: StepData::Logits(&[]), labels: &[], reference: &[] };
    let none = StepShape { pairs: 0, ..SHAPE };
    let step = context.pair_step_blocking(&presets::DPO, &Linear::default(), &none, &inputs)?;
    assert!(step.pair.data.is_empty());
    let given = context.pair_step_blocking(
        &presets::DPO,
        &Linear::default(),
        &StepShape { len: 0, ..SHAPE },
        &inputs,
    );
    assert!(matches!(given, Err(Error::ShapeMismatch { arg: "len", .. })), "{given:?}");
    Ok(())
}
