//! Tiny cases computed by hand, through tier 3.

mod common;

use bellwether_core::list::{LeaveOneOut, PlackettLuce};
use bellwether_core::logprob::{Dft, K3, Linear, Nll, SequenceMean, SequenceSum, Token};
use bellwether_core::pair::presets;
use bellwether_core::sig::Reduction;
use bellwether_core::sig::segment_stats::{Keep, Segments};
use bellwether_core::sig::token_rows::{ALLOWED, LOG_SUM_SQ, Labels, MEAN_LOGIT, STATUS, TOP1};
use bellwether_gpu::{
    Error, LinearInputs, ListInputs, ListOutputs, MapInputs, PairInputs, Planes, SegmentInputs, TokenInputs,
    TokenUpstream,
};
use common::{assert_close, context};

const LN2: f32 = std::f32::consts::LN_2;
const LN4: f32 = 2.0 * LN2;

/// Two rows of two logits and an ignored row of NaN.
fn tokens<'a>() -> TokenInputs<'a> {
    const LOGITS: [f32; 6] = [0.0, 0.0, 0.0, 1.098_612_3, f32::NAN, f32::NAN];
    TokenInputs {
        logits: &LOGITS,
        v: 2,
        labels: &[0, 1, -100],
        rules: Labels { seq_len: 3, ..Labels::default() },
    }
}

#[test]
fn token_rows_of_uniform_and_of_one_to_three() -> Result<(), Error> {
    let Some(context) = context() else { return Ok(()) };
    let planes = context.token_rows_blocking(&Token::default(), &tokens())?;
    assert_close(planes.plane(0), &[-LN2, 0.75f32.ln(), 0.0]);
    assert_close(planes.plane(1), &[LN2, LN4, 0.0]);
    let entropy = -(0.25 * 0.25f32.ln() + 0.75 * 0.75f32.ln());
    assert_close(planes.plane(2), &[LN2, entropy, 0.0]);
    assert_close(planes.plane(LOG_SUM_SQ), &[-LN2, 0.625f32.ln(), 0.0]);
    assert_close(planes.plane(MEAN_LOGIT), &[0.0, 0.549_306_15, 0.0]);
    assert_close(planes.plane(TOP1), &[1.0, 1.0, 0.0]);
    assert_close(planes.plane(ALLOWED), &[2.0, 2.0, 0.0]);
    assert_close(planes.plane(STATUS), &[0.0; 3]);

    let up = TokenUpstream { logp: Some(&[1.0, 2.0, f32::NAN]), ..TokenUpstream::default() };
    let gradient = context.token_rows_backward_blocking(&Token::default(), &tokens(), &planes, &up)?;
    assert_close(&gradient, &[0.5, -0.5, -0.5, 0.5, 0.0, 0.0]);
    Ok(())
}

#[test]
fn an_identity_weight_makes_hidden_states_logits() -> Result<(), Error> {
    let Some(context) = context() else { return Ok(()) };
    let TokenInputs { logits: hidden, labels, rules, .. } = tokens();
    let inputs =
        LinearInputs { hidden, weight: &[1.0, 0.0, 0.0, 1.0], bias: None, v: 2, h: 2, labels, rules };
    let planes = context.linear_blocking(&Linear::default(), &inputs)?;
    let direct = context.token_rows_blocking(&Token::default(), &tokens())?;
    assert_close(&planes.data, &direct.data);

    let up = TokenUpstream { logp: Some(&[1.0, 2.0, 0.0]), ..TokenUpstream::default() };
    let gradients = context.linear_backward_blocking(&Linear::default(), &inputs, &planes, &up)?;
    assert_close(&gradients.d_hidden, &[0.5, -0.5, -0.5, 0.5, 0.0, 0.0]);
    let slope = 0.5 * 1.098_612_3;
    assert_close(&gradients.d_weight, &[0.0, -slope, 0.0, slope]);
    Ok(())
}

#[test]
fn segments_sum_and_average_what_is_kept() -> Result<(), Error> {
    let Some(context) = context() else { return Ok(()) };
    let values = [1.0, 2.0, f32::NAN, 4.0, 5.0, f32::NAN];
    let (segments, keep) =
        (Segments::Padded { count: 2, len: 3 }, Keep::Masked { mask: &[1, 7, 0, 1, 1, 0] });
    let inputs = SegmentInputs { segments, keep, scale: 1.0 };
    let sums = context.segments_blocking(&SequenceSum {}, &inputs, &values)?;
    assert_close(&sums.data, &[3.0, 9.0, 2.0, 2.0, 0.0, 0.0]);
    let means = context.segments_blocking(&SequenceMean {}, &inputs, &values)?;
    assert_close(means.plane(0), &[1.5, 4.5]);
    let back = context.segments_backward_blocking(&SequenceMean {}, &inputs, 6, &means, &[1.0, 10.0])?;
    assert_close(&back, &[0.5, 0.5, 0.0, 5.0, 5.0, 0.0]);

    let packed =
        SegmentInputs { segments: Segments::Packed { offsets: &[1, 2, 2, 4] }, keep: Keep::All, scale: 2.0 };
    let sums = context.segments_blocking(&SequenceSum {}, &packed, &[9.0, 1.0, 2.0, 3.0, 9.0])?;
    assert_close(sums.plane(0), &[2.0, 0.0, 10.0]);
    assert_close(sums.plane(1), &[1.0, 0.0, 2.0]);
    let back = context.segments_backward_blocking(&SequenceSum {}, &packed, 5, &sums, &[1.0, 2.0, 3.0])?;
    assert_close(&back, &[0.0, 2.0, 6.0, 6.0, 0.0]);
    Ok(())
}

#[test]
fn padded_segments_of_no_length_sum_to_nothing() -> Result<(), Error> {
    let Some(context) = context() else { return Ok(()) };
    let inputs =
        SegmentInputs { segments: Segments::Padded { count: 3, len: 0 }, keep: Keep::All, scale: 1.0 };
    let sums = context.segments_blocking(&SequenceSum {}, &inputs, &[])?;
    assert_close(sums.plane(0), &[0.0; 3]);
    assert_close(sums.plane(1), &[0.0; 3]);
    Ok(())
}

#[test]
fn dpo_of_one_pair() -> Result<(), Error> {
    let Some(context) = context() else { return Ok(()) };
    let inputs = PairInputs {
        chosen: &[-1.0],
        rejected: &[-3.0],
        ref_chosen: &[-2.0],
        ref_rejected: &[-2.0],
        ..PairInputs::default()
    };
    let planes = context.pair_rows_blocking(&presets::DPO, &inputs, Reduction::Mean { over: 2 })?;
    let z = 0.2f32;
    assert_close(planes.plane(0), &[(-z).exp().ln_1p()]);
    assert_close(planes.plane(1), &[0.1]);
    assert_close(planes.plane(2), &[-0.1]);
    assert_close(planes.plane(4), &[1.0]);
    let slope = -0.1 / (1.0 + z.exp()) / 2.0;
    assert_close(planes.plane(5), &[slope]);
    assert_close(planes.plane(6), &[-slope]);
    Ok(())
}

#[test]
fn maps_of_tokens() -> Result<(), Error> {
    let Some(context) = context() else { return Ok(()) };
    let (logp, ref_logp) = ([-LN2, f32::NAN, -1.0], [-LN4, 0.0, -1.0]);
    let (mask, upstream) = ([1, 0, 9], [4.0, f32::NAN, 1.0]);
    let inputs =
        MapInputs { inputs: &[&logp], constants: &[&ref_logp], mask: Some(&mask), upstream: Some(&upstream) };
    let k3 = context.token_map_blocking(&K3 {}, &inputs, Reduction::Mean { over: 2 })?;
    assert_close(&k3.data, &[LN2 - 0.5, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);

    let inputs = MapInputs { inputs: &[&logp[..1]], ..MapInputs::default() };
    let nll = context.token_map_blocking(&Nll {}, &inputs, Reduction::Sum)?;
    assert_close(&nll.data, &[LN2, -1.0, 0.0]);
    let dft = context.token_map_blocking(&Dft {}, &inputs, Reduction::Sum)?;
    assert_close(&dft.data, &[0.5 * LN2, -0.5, 0.0]);
    Ok(())
}

#[test]
fn losses_on_lists() -> Result<(), Error> {
    let Some(context) = context() else { return Ok(()) };
    // Two equal items, padding; a ranking of two choices among three equal items.
    let (score, rank) = ([1.0, 1.0, f32::NAN, 2.0, 2.0, 2.0], [2, 1, 0, 3, 1, 2]);
    let inputs = ListInputs {
        lists: 2,
        items: 3,
        inputs: &[&score],
        rank: Some(&rank),
        length: Some(&[2, 3]),
        upstream: Some(&[4.0, 1.0]),
        ..ListInputs::default()
    };
    let ranking =
        context.list_rows_blocking(&PlackettLuce { top: 1 }, &inputs, Reduction::Mean { over: 2 })?;
    assert_close(&ranking.planes.data, &[LN2, 3.0f32.ln(), 0.0, 0.0]);
    let third = 1.0 / 6.0;
    assert_close(&ranking.gradients.data, &[1.0, -1.0, 0.0, third, -2.0 * third, third]);

    // One sample has no other: zeros, and a flag.
    let (logp, reference) = ([1.0, 4.0, 0.0, 9.0], [0.0, 1.0, 0.0, 9.0]);
    let inputs = ListInputs {
        lists: 2,
        items: 2,
        inputs: &[&logp],
        constants: &[&reference],
        length: Some(&[2, 1]),
        ..ListInputs::default()
    };
    let kl = context.list_rows_blocking(&LeaveOneOut {}, &inputs, Reduction::Sum)?;
    assert_close(&kl.planes.data, &[2.0, 0.0, 0.0, 32.0]);
    assert_close(&kl.gradients.data, &[-1.0, 1.0, 0.0, 0.0]);
    Ok(())
}

#[test]
fn nothing_in_nothing_out() -> Result<(), Error> {
    let Some(context) = context() else { return Ok(()) };
    let none = TokenInputs { logits: &[], v: 7, labels: &[], rules: Labels::default() };
    assert_eq!(context.token_rows_blocking(&Token::default(), &none)?, Planes::default());
    let pairs = context.pair_rows_blocking(&presets::DPO, &PairInputs::default(), Reduction::Sum)?;
    assert_eq!(pairs, Planes::default());
    let empty = MapInputs { inputs: &[&[]], ..MapInputs::default() };
    assert_eq!(context.token_map_blocking(&Nll {}, &empty, Reduction::Sum)?, Planes::default());
    let none = ListInputs { inputs: &[&[]], constants: &[&[]], items: 3, ..ListInputs::default() };
    let lists = context.list_rows_blocking(&LeaveOneOut {}, &none, Reduction::Sum)?;
    assert_eq!(lists, ListOutputs::default());
    let weight = [1.0, 2.0];
    let linear = LinearInputs {
        hidden: &[],
        weight: &weight,
        bias: None,
        v: 1,
        h: 2,
        labels: &[],
        rules: Labels::default(),
    };
    let planes = context.linear_blocking(&Linear::default(), &linear)?;
    let back =
        context.linear_backward_blocking(&Linear::default(), &linear, &planes, &TokenUpstream::default())?;
    assert_eq!(back.d_weight, [0.0, 0.0]);
    Ok(())
}

#[test]
fn a_lost_device_is_an_error_and_no_panic() {
    let Some(context) = context() else { return };
    context.device().destroy();
    let given = context.token_rows_blocking(&Token::default(), &tokens());
    assert!(matches!(given, Err(Error::DeviceLost { .. })), "{given:?}");
    let given = context.token_rows_blocking(&Token::default(), &tokens());
    assert!(matches!(given, Err(Error::DeviceLost { .. })), "{given:?}");
}

#[test]
fn wrong_shapes_and_parameters_are_named() {
    let Some(context) = context() else { return };
    let short = TokenInputs { labels: &[0, 1], ..tokens() };
    let given = context.token_rows_blocking(&Token::default(), &short);
    let expected = Error::ShapeMismatch { op: "logprob/token", arg: "logits", expected: 4, given: 6 };
    assert_eq!(given, Err(expected));
    let given = context.token_rows_blocking(&Token::at(0.0), &tokens());
    assert!(matches!(given, Err(Error::Contract(_))), "{given:?}");
    let none = bellwether_gpu::Selector::Name("no such device");
    let given = bellwether_gpu::Context::select_blocking(none);
    assert!(matches!(given, Err(Error::NoAdapter { .. })));
}
