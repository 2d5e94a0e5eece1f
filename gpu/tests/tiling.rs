//! Arrays above the binding limit: the same bits, however they are cut.

mod common;

use bellwether_core::logprob::{Js, Kl, Linear, Token, TopK};
use bellwether_core::sig::logit_pairs::{By, LogitPairOp, PLANES as PAIR_PLANES, UPSTREAM};
use bellwether_core::sig::token_rows::{Labels, PLANES};
use bellwether_gpu::{
    Context, Dialect, Error, FusedBackward, FusedForward, FusedLinear, FusedPairInputs, FusedShape,
    HeadInputs, LinearInputs, LogitPairBackward, LogitPairForward, LogitPairInputs, LogitPairShape,
    LogitPairs, Slice, Storage, TokenInputs, TokenUpstream, TopUpstream, Upstream,
};
use common::{bits, context, noise, with_limits};

fn small() -> Option<Context> {
    with_limits(|limits| limits.max_storage_buffer_binding_size = 16384)
}

fn labels(n: usize, v: usize) -> Vec<i32> {
    (0..n).map(|i| if i % 7 == 3 { -100 } else { (i % v) as i32 }).collect()
}

#[test]
fn token_rows_in_windows() -> Result<(), Error> {
    let (Some(whole), Some(small)) = (context(), small()) else { return Ok(()) };
    // 301 rows of 75: 90 kB in bindings of 16 kB, at offsets that are no multiple of the alignment.
    let (n, v) = (301, 75);
    let (logits, labels) = (noise(n * v, 1), labels(n, v));
    let inputs = TokenInputs { logits: &logits, v, labels: &labels, rules: Labels::default() };
    let op = Token::at(0.7);
    let run = |context: &Context| Ok::<_, Error>(bits(&context.token_rows_blocking(&op, &inputs)?.data));
    assert_eq!(run(&whole)?, run(&small)?);
    Ok(())
}

#[test]
fn gradients_in_windows() -> Result<(), Error> {
    let (Some(whole), Some(small)) = (context(), small()) else { return Ok(()) };
    let (n, v) = (201, 113);
    let (logits, labels, up) = (noise(n * v, 3), labels(n, v), noise(n, 4));
    let inputs = TokenInputs { logits: &logits, v, labels: &labels, rules: Labels::default() };
    let up = TokenUpstream { logp: Some(&up), ..TokenUpstream::default() };
    let run = |context: &Context| -> Result<_, Error> {
        let planes = context.token_rows_blocking(&Token::default(), &inputs)?;
        Ok(bits(&context.token_rows_backward_blocking(&Token::default(), &inputs, &planes, &up)?))
    };
    assert_eq!(run(&whole)?, run(&small)?);
    Ok(())
}

#[test]
fn largest_in_windows() -> Result<(), Error> {
    let (Some(whole), Some(small)) = (context(), small()) else { return Ok(()) };
    let (n, v, op) = (101, 113, TopK::default());
    let (logits, labels, up, logp) = (noise(n * v, 16), labels(n, v), noise(n, 17), noise(10 * n, 18));
    let inputs = TokenInputs { logits: &logits, v, labels: &labels, rules: Labels::default() };
    let up = TopUpstream { entropy: Some(&up), logp: Some(&logp), ..TopUpstream::default() };
    let run = |context: &Context| -> Result<_, Error> {
        let planes = context.top_rows_blocking(&op, &inputs)?;
        let back = context.top_rows_backward_blocking(&op, &inputs, &planes, &up)?;
        Ok([bits(&planes.data), bits(&back)])
    };
    assert_eq!(run(&whole)?, run(&small)?);
    Ok(())
}

/// Planes and both gradients of two matrices of logits.
fn pair_bits<O: LogitPairOp>(context: &Context, op: &O) -> Result<[Vec<u32>; 3], Error> {
    let (n, v) = (271, 75);
    let (logits, ref_logits, labels, up) = (noise(n * v, 13), noise(n * v, 14), labels(n, v), noise(n, 15));
    let rules = Labels::default();
    let inputs = LogitPairInputs { logits: &logits, ref_logits: &ref_logits, v, labels: &labels, rules };
    let planes = context.logit_pairs_blocking(op, &inputs)?;
    let up: [_; UPSTREAM] = [Some(&up[..]), Some(&up[..]), None, None];
    let [d, d_ref] = [By::Policy, By::Reference]
        .map(|by| context.logit_pairs_backward_blocking(op, &inputs, &planes, &up, by));
    Ok([bits(&planes.data), bits(&d?), bits(&d_ref?)])
}

#[test]
fn pairs_of_logits_in_windows() -> Result<(), Error> {
    let (Some(whole), Some(small)) = (context(), small()) else { return Ok(()) };
    assert_eq!(pair_bits(&whole, &Kl::default())?, pair_bits(&small, &Kl::default())?);
    assert_eq!(pair_bits(&whole, &Js::default())?, pair_bits(&small, &Js::default())?);
    Ok(())
}

/// Planes and the policy's gradient of two matrices of logits in 16 bits, whose rows share words.
fn half_bits(context: &Context, storage: Storage, v: usize) -> Result<[Vec<u32>; 2], Error> {
    let (n, device) = (271, context.device());
    let plan = LogitPairs::new(device, &Js::default(), Dialect::POOLED.stored(storage))?;
    // Halves from 0x3000 on: small positive numbers in either storage.
    let words = |seed| -> Vec<u32> {
        let halves = noise(2 * (n * v).div_ceil(2), seed);
        let half = |x: f32| 0x3000 + ((x.abs() * 256.0) as u32);
        halves.chunks(2).map(|pair| half(pair[0]) | half(pair[1]) << 16).collect()
    };
    let (x, r) = (context.upload_u32(&words(16))?, context.upload_u32(&words(17))?);
    let up = noise(n, 18);
    let rows = context.upload_f32(&[vec![0.0; PAIR_PLANES * n], up.clone(), up].concat())?;
    let labels = context.upload_i32(&labels(n, v))?;
    let d = context.poisoned((n * v).div_ceil(2))?;
    let [logits, ref_logits, rows, labels, d_logits] = [&x, &r, &rows, &labels, &d].map(Slice::whole);
    let shape = LogitPairShape::packed(n, v, Labels::default());
    let result = rows.part(0, (PAIR_PLANES * n) as u64);
    let mut all = plan.forward(device, &shape, &LogitPairForward { logits, ref_logits, labels, result })?;
    let upstream = Upstream { offset: PAIR_PLANES * n, stride: n, mask: 3 };
    let buffers = LogitPairBackward { logits, ref_logits, rows, labels, d_logits, saved: 0, upstream };
    all.append(plan.backward(device, &shape, &buffers, By::Policy)?);
    context.run_blocking(&all)?;
    Ok([context.download_u32_blocking(result)?, context.download_u32_blocking(d_logits)?])
}

/// A word that two rows share may be cut between two windows.
#[test]
fn pairs_in_16_bits_in_windows() -> Result<(), Error> {
    let (Some(whole), Some(small)) = (context(), small()) else { return Ok(()) };
    for (storage, v) in [(Storage::F16, 75), (Storage::Bf16, 133)] {
        assert_eq!(half_bits(&whole, storage, v)?, half_bits(&small, storage, v)?);
    }
    Ok(())
}

/// Distillation from hidden states, whose weights are above the limit.
#[test]
fn two_heads_in_windows() -> Result<(), Error> {
    let small = with_limits(|limits| limits.max_storage_buffer_binding_size = 65536);
    let (Some(whole), Some(small)) = (context(), small) else { return Ok(()) };
    let (n, v, h, ref_h) = (20, 601, 40, 33);
    let (x, w, r, u) = (noise(n * h, 19), noise(v * h, 20), noise(n * ref_h, 21), noise(v * ref_h, 22));
    let (bias, up, labels) = (noise(v, 23), noise(n, 24), labels(n, v));
    let inputs = FusedPairInputs {
        student: HeadInputs { hidden: &x, weight: &w, bias: Some(&bias), h },
        teacher: HeadInputs { hidden: &r, weight: &u, bias: None, h: ref_h },
        v,
        labels: &labels,
        rules: Labels::default(),
    };
    let (op, hard) = (Js::of(0.25, Token::at(4.0)), Token::default());
    let run = |context: &Context| -> Result<_, Error> {
        let planes = context.fused_pairs_blocking(&op, Some(&hard), &inputs)?;
        let hard_up = TokenUpstream { logp: Some(&up), ..TokenUpstream::default() };
        let pair_up = [None, Some(&up[..]), None, None];
        let label = Some((&hard, &hard_up));
        let back = context.fused_pairs_backward_blocking(&op, label, &inputs, &planes, &pair_up)?;
        let numbers = [planes.pairs.data, planes.hard.data, back.d_hidden, back.d_weight, back.d_bias];
        Ok(numbers.map(|numbers| bits(&numbers)))
    };
    assert_eq!(run(&whole)?, run(&small)?);
    Ok(())
}

#[test]
fn an_upstream_plane_that_the_operator_has_not_is_named() {
    let Some(context) = context() else { return };
    let inputs = LogitPairInputs {
        logits: &[0.0; 2],
        ref_logits: &[0.0; 2],
        v: 2,
        labels: &[1],
        rules: Labels::default(),
    };
    let planes = context.logit_pairs_blocking(&Js::default(), &inputs).expect("one row");
    let up: [Option<&[f32]>; UPSTREAM] = [None, None, Some(&[1.0]), None];
    let given = context.logit_pairs_backward_blocking(&Js::default(), &inputs, &planes, &up, By::Policy);
    let (op, arg) = ("logprob/js", "upstream planes");
    assert_eq!(given, Err(Error::ShapeMismatch { op, arg, expected: 2, given: 3 }));
}

/// Planes and gradients of one case on a device with a large limit and on one with 64 KiB.
fn linear_in_windows(n: usize, v: usize, h: usize) -> Result<(), Error> {
    let small = with_limits(|limits| limits.max_storage_buffer_binding_size = 65536);
    let (Some(whole), Some(small)) = (context(), small) else { return Ok(()) };
    let (hidden, weight, labels) = (noise(n * h, 5), noise(v * h, 6), labels(n, v));
    let rules = Labels::default();
    let inputs = LinearInputs { hidden: &hidden, weight: &weight, bias: None, v, h, labels: &labels, rules };
    let (op, up) = (Linear::default(), noise(n, 7));
    let up = TokenUpstream { logp: Some(&up), ..TokenUpstream::default() };
    let run = |context: &Context| -> Result<_, Error> {
        let planes = context.linear_blocking(&op, &inputs)?;
        let back = context.linear_backward_blocking(&op, &inputs, &planes, &up)?;
        Ok([bits(&planes.data), bits(&back.d_hidden), bits(&back.d_weight)])
    };
    assert_eq!(run(&whole)?, run(&small)?);
    Ok(())
}

#[test]
fn a_weight_above_the_limit() -> Result<(), Error> {
    // Cut by columns for logits, by terms for hidden states' gradients, by rows for its own.
    linear_in_windows(20, 601, 51)
}

#[test]
fn hidden_states_and_a_chunk_above_the_limit() -> Result<(), Error> {
    linear_in_windows(601, 51, 51)
}

#[test]
fn the_tile_changes_no_bit() -> Result<(), Error> {
    let Some(context) = context() else { return Ok(()) };
    let (n, v, h) = (700, 4500, 24);
    let buffers = [noise(n * h, 8), noise(v * h, 9), noise(n, 10)];
    let labels = labels(n, v);
    let shape = FusedShape::packed(n, v, h, Labels::default());
    let one = fused(&context, &shape.tiled(768, v), &buffers, &labels)?;
    for (chunk, columns) in [(256, v), (768, 2048), (512, 4096)] {
        let other = fused(&context, &shape.tiled(chunk, columns), &buffers, &labels)?;
        assert!(one == other, "a tile of {chunk} x {columns} shows");
    }
    Ok(())
}

/// Both passes through tier 2, with strides that leave gaps nowhere and one buffer for planes and upstream.
fn fused(
    context: &Context,
    shape: &FusedShape,
    [hidden, weight, up]: &[Vec<f32>; 3],
    labels: &[i32],
) -> Result<[Vec<u32>; 3], Error> {
    let (device, n) = (context.device(), shape.n);
    let plan =
        FusedLinear::compile_with(&Linear::default(), |source| context.kernel(source, Dialect::POOLED))?;
    let [hidden, weight] = [context.upload_f32(hidden)?, context.upload_f32(weight)?];
    let labels = context.upload_i32(labels)?;
    let scratch = context.poisoned(shape.scratch_bytes()? as usize / 4)?;
    let mut rows = vec![f32::NAN; PLANES.len() * n];
    rows.extend_from_slice(up);
    let rows = context.upload_f32(&rows)?;
    let [d_hidden, d_weight] = [context.poisoned(n * shape.h)?, context.poisoned(shape.v * shape.h)?];
    let [hidden, weight, labels, scratch, rows] =
        [&hidden, &weight, &labels, &scratch, &rows].map(Slice::whole);
    let result = rows.part(0, (PLANES.len() * n) as u64);
    let forward = FusedForward { hidden, weight, bias: None, labels, scratch, result };
    let upstream = Upstream { offset: PLANES.len() * n, stride: n, mask: 1 };
    let (d_hidden, d_weight) = (Slice::whole(&d_hidden), Slice::whole(&d_weight));
    let (bias, d_bias, saved) = (None, None, 0);
    let backward = FusedBackward {
        hidden,
        weight,
        bias,
        labels,
        rows,
        scratch,
        d_hidden,
        d_weight,
        d_bias,
        saved,
        upstream,
    };
    let mut all = plan.forward(device, shape, &forward)?;
    all.append(plan.backward(device, shape, &backward)?);
    context.run_blocking(&all)?;
    let down = |slice| context.download_u32_blocking(slice);
    Ok([down(result)?, down(d_hidden)?, down(d_weight)?])
}

#[test]
fn more_rows_than_workgroups_in_one_direction() -> Result<(), Error> {
    let Some(context) = context() else { return Ok(()) };
    let n = 70_001;
    let logits = vec![0.0; 2 * n];
    let inputs = TokenInputs { logits: &logits, v: 2, labels: &vec![1; n], rules: Labels::default() };
    let planes = context.token_rows_blocking(&Token::default(), &inputs)?;
    assert!(planes.plane(0).iter().all(|&logp| (logp + std::f32::consts::LN_2).abs() < 1e-6));
    Ok(())
}

#[test]
fn a_row_above_the_limit_is_named() {
    let Some(small) = small() else { return };
    let logits = noise(2 * 5000, 11);
    let inputs = TokenInputs { logits: &logits, v: 5000, labels: &[0, 1], rules: Labels::default() };
    let given = small.token_rows_blocking(&Token::default(), &inputs);
    let (op, arg) = ("logprob/token", "logits");
    assert_eq!(given, Err(Error::RowTooLarge { op, arg, need: 20_000, have: 16_384 }));
}
