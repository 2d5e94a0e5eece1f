//! The largest of rows of logits: the paper's numbers through the whole host, and what the host refuses.

mod common;

use bellwether_core::logprob::{TopEntropy, TopK};
use bellwether_core::sig::token_rows::Labels;
use bellwether_core::sig::top_rows::{ENTROPY, MASS, NO_TOKEN, index, logp, planes, tail};
use bellwether_gpu::{
    Context, Dialect, Error, Slice, TokenBackward, TokenForward, TokenInputs, TokenShape, TopRows, Upstream,
};
use common::{assert_close, context, noise};

fn largest(context: &Context, op: &TopK, logits: &[f32]) -> Result<Vec<f32>, Error> {
    let (v, labels, rules) = (logits.len(), &[0][..], Labels::default());
    Ok(context.top_rows_blocking(op, &TokenInputs { logits, v, labels, rules })?.data)
}

/// Logits 2, 1.5, …, −3.5; in bits.
#[test]
fn the_papers_numbers() -> Result<(), Error> {
    let Some(context) = context() else { return Ok(()) };
    let logits: Vec<f32> = (0..12_u8).map(|j| 2.0 - 0.5 * f32::from(j)).collect();
    let bits = std::f32::consts::LN_2;
    for (entropy, want) in [(TopEntropy::Renormalised, 2.398_942_4), (TopEntropy::Truncated, 2.394_846_2)] {
        let got = largest(&context, &TopK { entropy, ..TopK::default() }, &logits)?;
        assert_close(&[got[tail(10, MASS)], got[tail(10, ENTROPY)] / bits], &[0.995_730_2, want]);
        assert_eq!(got[10..20], [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
    }
    Ok(())
}

#[test]
fn entries_that_are_not_there() -> Result<(), Error> {
    let Some(context) = context() else { return Ok(()) };
    let op = TopK { k: 3, ..TopK::default() };
    let got = largest(&context, &op, &[f32::NEG_INFINITY, 1.0, f32::NEG_INFINITY, 1.0])?;
    assert_close(&got[..2], &[-std::f32::consts::LN_2; 2]);
    assert_eq!((got[logp(2)], got[3..6].to_vec()), (f32::NEG_INFINITY, vec![1.0, 3.0, NO_TOKEN]));
    assert_eq!((got[tail(3, MASS)], got[index(3, 2)]), (1.0, NO_TOKEN));
    Ok(())
}

#[test]
fn a_k_that_is_none_is_named() {
    let Some(context) = context() else { return };
    for k in [0, 65, u32::MAX] {
        let error = largest(&context, &TopK { k, ..TopK::default() }, &[0.0; 2]).expect_err("no such k");
        let text = error.to_string();
        assert_eq!(text, format!("logprob/top_k: parameter k is {k}, allowed is 1 to 64"));
    }
}

/// Planes are 2 k + 6, and those of the upstream log-probabilities k: one element too few is refused.
#[test]
fn arrays_that_are_too_short_are_named() -> Result<(), Error> {
    let Some(context) = context() else { return Ok(()) };
    let (n, v, op) = (5, 20, TopK { k: 4, ..TopK::default() });
    let plan = TopRows::new(context.device(), &op, Dialect::EXCLUSIVE)?;
    let shape = TokenShape::packed(n, v, Labels::default());
    let (saved, upstream) = (planes(4) * n, (3 + 4) * n);
    let [logits, d_logits, labels] = [n * v, n * v, n].map(|len| context.poisoned(len));
    let (logits, d_logits, labels, rows) = (logits?, d_logits?, labels?, context.poisoned(saved + upstream)?);
    let [logits, d_logits, labels, all] = [&logits, &d_logits, &labels, &rows].map(Slice::whole);
    let forward = |len: usize| {
        let buffers = TokenForward { logits, labels, result: all.part(0, len as u64), scratch: None };
        plan.forward(context.device(), &shape, &buffers).map(|_| ())
    };
    assert_eq!(forward(saved), Ok(()));
    let (op, expected, given) = ("logprob/top_k", saved as u64, saved as u64 - 1);
    assert_eq!(forward(saved - 1), Err(Error::ShapeMismatch { op, arg: "result", expected, given }));
    let backward = |len: usize, mask: u32, shape: &TokenShape| {
        let (rows, upstream) = (all.part(0, len as u64), Upstream { offset: saved, stride: n, mask });
        let buffers = TokenBackward { logits, rows, labels, d_logits, saved: 0, upstream };
        plan.backward(context.device(), shape, &buffers).map(|_| ())
    };
    let whole = saved + upstream;
    assert_eq!(backward(whole, 0b1111, &shape), Ok(()));
    assert_eq!(backward(saved + 3 * n, 0b0111, &shape), Ok(()), "without those of the log-probabilities");
    let (expected, given) = (whole as u64, whole as u64 - 1);
    assert_eq!(
        backward(whole - 1, 0b1000, &shape),
        Err(Error::ShapeMismatch { op, arg: "upstream", expected, given })
    );
    let shard = TokenShape { column_base: 7, ..shape };
    assert_eq!(
        backward(whole, 1, &shard),
        Err(Error::ShapeMismatch { op, arg: "column_base", expected: 0, given: 7 })
    );
    Ok(())
}

/// A row that goes through one workgroup and one whose parts have a workgroup each: the same bits.
#[test]
fn parts_are_not_seen() -> Result<(), Error> {
    let Some(context) = context() else { return Ok(()) };
    let (n, v, op) = (3, 33_000, TopK { k: 64, ..TopK::default() });
    // Some 16 columns of each value: the largest tie, and stand in every part.
    let logits: Vec<f32> = noise(n * v, 1).into_iter().map(|x| (256.0 * x).round() / 64.0).collect();
    let plan = TopRows::new(context.device(), &op, Dialect::EXCLUSIVE)?;
    let shape = TokenShape::packed(n, v, Labels::default());
    let bytes = plan.scratch_bytes(&shape)?;
    assert_eq!(bytes, 3 * 3 * (4 + 128) * 4, "three rows of three parts");
    let (logits, labels) = (context.upload_f32(&logits)?, context.upload_i32(&[0, -100, 5])?);
    let run = |scratch: Option<Slice<'_>>| -> Result<_, Error> {
        let result = context.poisoned(planes(64) * n)?;
        let [logits, labels, result] = [&logits, &labels, &result].map(Slice::whole);
        let buffers = TokenForward { logits, labels, result, scratch };
        context.run_blocking(&plan.forward(context.device(), &shape, &buffers)?)?;
        context.download_u32_blocking(result)
    };
    let scratch = context.poisoned((bytes / 4) as usize)?;
    assert_eq!(run(Some(Slice::whole(&scratch)))?, run(None)?);
    Ok(())
}
