//! TopRows: the 10 largest of a vocabulary of 32,768 with their mass and entropy, and back; beside a plain selection.
//!
//! Throughput in logits. The yardstick finds the largest only: no normaliser, no checks.

use std::hint::black_box;

use bellwether_benches::{Gpu, group, labels, noise, plane, wide};
use bellwether_core::logprob::TopK;
use bellwether_core::sig::token_rows::Labels;
use bellwether_core::sig::top_rows::{MASS, planes, tail, upstream};
use bellwether_cpu_ref::token_rows::{Scalar, Tokens};
use bellwether_cpu_ref::top_rows::{TopUpstream, top_rows as forward, top_rows_backward as backward};
use bellwether_gpu::{Dialect, Error, Slice, TokenBackward, TokenForward, TokenShape, TopRows, Upstream};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};

const N: usize = 64;
const V: usize = 32_768;
const K: usize = 10;

struct Data {
    logits: Vec<f32>,
    labels: Vec<i32>,
    up: Vec<f32>,
}

/// Gradients of mass and entropy.
fn up<T>(plane: &[T]) -> TopUpstream<'_, T> {
    TopUpstream { mass: Some(plane), entropy: Some(plane), ..TopUpstream::default() }
}

fn cpu<T: Scalar>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    logits: &[T],
    upstream: &[T],
    labels: &[i32],
) {
    let tokens = Tokens::new(logits, V, labels, Labels::default());
    let mut result = vec![T::zero(); planes(K) * N];
    group.bench_function(format!("forward/{name}"), |b| {
        b.iter(|| forward(&TopK::default(), black_box(&tokens), &mut result).expect("finite logits"));
    });
    let mut gradient = vec![T::zero(); N * V];
    group.bench_function(format!("backward/{name}"), |b| {
        b.iter(|| {
            backward(&TopK::default(), black_box(&tokens), &up(upstream), &mut gradient).expect("as above");
        });
    });
}

/// Columns of the largest, by a selection as the standard library has it.
fn selected(row: &[f32], columns: &mut Vec<u32>) {
    columns.clear();
    columns.extend(0..V as u32);
    let falling = |a: &u32, b: &u32| row[*b as usize].total_cmp(&row[*a as usize]);
    columns.select_nth_unstable_by(K, falling);
    columns[..K].sort_unstable_by(falling);
}

fn gpu(group: &mut BenchmarkGroup<'_, WallTime>, data: &Data) -> Result<(), Error> {
    let Some(gpu) = Gpu::open() else { return Ok(()) };
    let (logits, d_logits) = (gpu.floats(&data.logits)?, gpu.results(N * V)?);
    // Planes of `forward`, and behind them the upstream gradients.
    let mut rows = vec![0.0; planes(K) * N];
    rows.extend([&data.up[..], &data.up].concat());
    rows.resize((planes(K) + upstream(K)) * N, 0.0);
    let (labels, rows) = (gpu.labels(&data.labels)?, gpu.floats(&rows)?);
    let plan = TopRows::new(gpu.device(), &TopK::default(), Dialect::POOLED)?;
    let shape = TokenShape::packed(N, V, Labels::default());
    let (logits, labels, all) = (Slice::whole(&logits), Slice::whole(&labels), Slice::whole(&rows));
    let result = all.part(0, (planes(K) * N) as u64);
    let scratch = gpu.results((plan.scratch_bytes(&shape)? / 4) as usize)?;
    let scratch = Some(Slice::whole(&scratch));
    let there = plan.forward(gpu.device(), &shape, &TokenForward { logits, labels, result, scratch })?;
    let upstream = Upstream { offset: planes(K) * N, stride: N, mask: 3 };
    let d_logits = Slice::whole(&d_logits);
    let saved = TokenBackward { logits, rows: all, labels, d_logits, saved: 0, upstream };
    let back = plan.backward(gpu.device(), &shape, &saved)?;

    let (wide_logits, wide_up) = (wide(&data.logits), wide(&data.up));
    let tokens = Tokens::new(&wide_logits, V, &data.labels, Labels::default());
    let (mut expected, mut gradient) = (vec![0.0; planes(K) * N], vec![0.0; N * V]);
    forward(&TopK::default(), &tokens, &mut expected)?;
    backward(&TopK::default(), &tokens, &up(&wide_up), &mut gradient)?;
    let mass = tail(K, MASS);
    gpu.hold("masses", &there, result.part((mass * N) as u64, N as u64), plane(&expected, mass, N))?;
    gpu.hold("gradient", &back, d_logits, &gradient)?;
    group.bench_function("forward/gpu", |b| b.iter(|| gpu.run(&there)));
    group.bench_function("backward/gpu", |b| b.iter(|| gpu.run(&back)));
    Ok(())
}

fn bench(c: &mut Criterion) {
    let data = Data { logits: noise(N * V, 1), labels: labels(N, V), up: noise(N, 2) };
    let mut group = group(c, &format!("top_rows {K} of {N}x{V}"), N * V);
    cpu(&mut group, "cpu f64", &wide(&data.logits), &wide(&data.up), &data.labels);
    cpu(&mut group, "cpu f32", &data.logits, &data.up, &data.labels);
    let mut columns = Vec::new();
    group.bench_function("yardstick/select_nth_unstable", |b| {
        b.iter(|| data.logits.chunks_exact(V).for_each(|row| selected(black_box(row), &mut columns)));
    });
    gpu(&mut group, &data).expect("the device runs the kernels");
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
