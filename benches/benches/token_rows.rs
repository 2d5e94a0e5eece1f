//! TokenRows: logits of a vocabulary of 32,768 to log-probability, logsumexp and entropy, and back.
//!
//! Throughput in logits. The textbook loops do less: no entropy, no checks.

use std::hint::black_box;

use bellwether_benches::{Gpu, group, labels, noise, plane, read_sum, wide};
use bellwether_core::logprob::Token;
use bellwether_core::sig::token_rows::{LOGP, Labels, PLANES};
use bellwether_cpu_ref::token_rows::{
    Scalar, TokenUpstream, Tokens, token_rows as forward, token_rows_backward as backward,
};
use bellwether_gpu::{Dialect, Error, Slice, TokenBackward, TokenForward, TokenRows, TokenShape, Upstream};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use rayon::prelude::*;

const N: usize = 64;
const V: usize = 32_768;
const P: usize = PLANES.len();
/// Numbers that no cache holds.
const BEYOND_CACHES: usize = 1 << 27;

struct Data {
    logits: Vec<f32>,
    labels: Vec<i32>,
    up: Vec<f32>,
}

fn up<T>(logp: &[T]) -> TokenUpstream<'_, T> {
    TokenUpstream { logp: Some(logp), ..TokenUpstream::default() }
}

fn cpu<T: Scalar>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    logits: &[T],
    upstream: &[T],
    labels: &[i32],
) {
    let tokens = Tokens::new(logits, V, labels, Labels::default());
    let mut result = vec![T::zero(); P * N];
    group.bench_function(format!("forward/{name}"), |b| {
        b.iter(|| forward(&Token::default(), black_box(&tokens), &mut result).expect("finite logits"));
    });
    let mut gradient = vec![T::zero(); N * V];
    group.bench_function(format!("backward/{name}"), |b| {
        b.iter(|| {
            backward(&Token::default(), black_box(&tokens), &up(upstream), &mut gradient).expect("as above");
        });
    });
}

/// The reference on blocks of rows, one result per block.
fn threads(data: &Data) {
    data.logits.par_chunks(8 * V).zip(data.labels.par_chunks(8)).for_each(|(logits, labels)| {
        let mut result = [0.0f32; P * 8];
        let tokens = Tokens::new(logits, V, labels, Labels::default());
        forward(&Token::default(), &tokens, &mut result).expect("finite logits");
        black_box(&result);
    });
}

/// What a textbook says: maximum, sum of exponentials, gather.
fn textbook(data: &Data, logp: &mut [f32]) {
    for ((row, &label), out) in data.logits.chunks_exact(V).zip(&data.labels).zip(logp) {
        let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f32 = row.iter().map(|x| (x - max).exp()).sum();
        *out = usize::try_from(label).map_or(0.0, |y| row[y] - max - sum.ln());
    }
}

/// And its gradient: upstream times one-hot minus softmax.
fn textbook_backward(data: &Data, d_logits: &mut [f32]) {
    let rows = data.logits.chunks_exact(V).zip(&data.labels).zip(&data.up);
    for (((row, &label), &up), out) in rows.zip(d_logits.chunks_exact_mut(V)) {
        let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f32 = row.iter().map(|x| (x - max).exp()).sum();
        let up = if label < 0 { 0.0 } else { up };
        for (to, x) in out.iter_mut().zip(row) {
            *to = -up * (x - max).exp() / sum;
        }
        if let Ok(y) = usize::try_from(label) {
            out[y] += up;
        }
    }
}

fn gpu(group: &mut BenchmarkGroup<'_, WallTime>, data: &Data) -> Result<(), Error> {
    let Some(gpu) = Gpu::open() else { return Ok(()) };
    let (logits, d_logits) = (gpu.floats(&data.logits)?, gpu.results(N * V)?);
    // Planes of `forward`, and behind them the upstream gradients.
    let mut rows = vec![0.0; P * N];
    rows.extend(&data.up);
    let (labels, rows) = (gpu.labels(&data.labels)?, gpu.floats(&rows)?);
    let plan = TokenRows::new(gpu.device(), &Token::default(), Dialect::POOLED)?;
    let shape = TokenShape::packed(N, V, Labels::default());
    let (logits, labels, all) = (Slice::whole(&logits), Slice::whole(&labels), Slice::whole(&rows));
    let planes = all.part(0, (P * N) as u64);
    let there =
        plan.forward(gpu.device(), &shape, &TokenForward { logits, labels, result: planes, scratch: None })?;
    let upstream = Upstream { offset: P * N, stride: N, mask: 1 };
    let d_logits = Slice::whole(&d_logits);
    let saved = TokenBackward { logits, rows: all, labels, d_logits, saved: 0, upstream };
    let back = plan.backward(gpu.device(), &shape, &saved)?;

    let (wide_logits, wide_up) = (wide(&data.logits), wide(&data.up));
    let tokens = Tokens::new(&wide_logits, V, &data.labels, Labels::default());
    let (mut expected, mut gradient) = (vec![0.0; P * N], vec![0.0; N * V]);
    forward(&Token::default(), &tokens, &mut expected)?;
    backward(&Token::default(), &tokens, &up(&wide_up), &mut gradient)?;
    let logp = planes.part((LOGP * N) as u64, N as u64);
    gpu.hold("log-probabilities", &there, logp, plane(&expected, LOGP, N))?;
    gpu.hold("gradient", &back, d_logits, &gradient)?;
    group.bench_function("forward/gpu", |b| b.iter(|| gpu.run(&there)));
    group.bench_function("backward/gpu", |b| b.iter(|| gpu.run(&back)));
    Ok(())
}

fn bench(c: &mut Criterion) {
    let data = Data { logits: noise(N * V, 1), labels: labels(N, V), up: noise(N, 2) };
    let mut group = group(c, &format!("token_rows {N}x{V}"), N * V);
    cpu(&mut group, "cpu f64", &wide(&data.logits), &wide(&data.up), &data.labels);
    cpu(&mut group, "cpu f32", &data.logits, &data.up, &data.labels);
    group.bench_function("forward/cpu f32 rayon", |b| b.iter(|| threads(black_box(&data))));
    let (mut logp, mut gradient) = (vec![0.0; N], vec![0.0; N * V]);
    group.bench_function("forward/textbook f32", |b| b.iter(|| textbook(black_box(&data), &mut logp)));
    group.bench_function("backward/textbook f32", |b| {
        b.iter(|| textbook_backward(black_box(&data), &mut gradient));
    });
    group
        .bench_function("yardstick/read sum of the logits", |b| b.iter(|| read_sum(black_box(&data.logits))));
    let memory = vec![1.0; BEYOND_CACHES];
    group.throughput(Throughput::Elements(BEYOND_CACHES as u64));
    group.bench_function("yardstick/read sum of 512 MiB", |b| b.iter(|| read_sum(black_box(&memory))));
    group.throughput(Throughput::Elements((N * V) as u64));
    gpu(&mut group, &data).expect("the device runs the kernels");
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
