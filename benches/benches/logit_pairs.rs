//! LogitPairs: two rows of a vocabulary of 32,768 to their divergences, and back to the policy's gradient.

use std::hint::black_box;

use bellwether_benches::{Gpu, group, labels, noise, plane, read_sum, wide};
use bellwether_core::logprob::{AlphaDivergence, Js, Kl};
use bellwether_core::sig::logit_pairs::{By, LogitPairOp, PLANES, PairLayout, VALUE};
use bellwether_core::sig::token_rows::Labels;
use bellwether_cpu_ref::logit_pairs::{LogitPairs as Pairs, PairRow, logit_pairs, logit_pairs_backward};
use bellwether_cpu_ref::token_rows::Scalar;
use bellwether_gpu::{
    Dialect, Error, LogitPairBackward, LogitPairForward, LogitPairShape, LogitPairs, Slice, Upstream,
};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};

const N: usize = 64;
const V: usize = 32_768;

struct Data {
    logits: Vec<f32>,
    ref_logits: Vec<f32>,
    labels: Vec<i32>,
    up: Vec<f32>,
}

/// The rows in some scalar.
fn pairs<'a, T>(logits: &'a [T], ref_logits: &'a [T], labels: &'a [i32]) -> Pairs<'a, T> {
    Pairs::new([logits, ref_logits], labels, PairLayout::packed(V, Labels::default()))
}

fn cpu<O: PairRow, T: Scalar>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    op: &O,
    (x, up): (&Pairs<'_, T>, &[T]),
) {
    let (mut planes, mut gradient) = (vec![T::zero(); PLANES * N], vec![T::zero(); N * V]);
    group.bench_function(format!("{}/forward/{name}", O::SPEC.slug), |b| {
        b.iter(|| logit_pairs(op, black_box(x), &mut planes));
    });
    let up = [None, Some(up), None, None];
    group.bench_function(format!("{}/backward/{name}", O::SPEC.slug), |b| {
        b.iter(|| logit_pairs_backward(op, black_box(x), &up, By::Policy, &mut gradient));
    });
}

/// The loop as it is written in a notebook: two softmaxes and one sum.
fn textbook(data: &Data, kl: &mut [f32]) {
    let rows = data.logits.chunks_exact(V).zip(data.ref_logits.chunks_exact(V));
    for (out, (x, r)) in kl.iter_mut().zip(rows) {
        let norm = |row: &[f32]| {
            let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            max + row.iter().map(|x| (x - max).exp()).sum::<f32>().ln()
        };
        let (norm, ref_norm) = (norm(x), norm(r));
        *out = x.iter().zip(r).map(|(x, r)| (r - ref_norm).exp() * ((r - ref_norm) - (x - norm))).sum();
    }
}

fn gpu<O: PairRow + LogitPairOp>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    gpu: &Gpu,
    op: &O,
    data: &Data,
) -> Result<(), Error> {
    let (logits, ref_logits) = (gpu.floats(&data.logits)?, gpu.floats(&data.ref_logits)?);
    let d_logits = gpu.results(N * V)?;
    // Planes of `forward`, and behind them the plane of the log-probability's gradient and the divergence's.
    let rows = [vec![0.0; (PLANES + 1) * N], data.up.clone()].concat();
    let (labels, rows) = (gpu.labels(&data.labels)?, gpu.floats(&rows)?);
    let plan = LogitPairs::new(gpu.device(), op, Dialect::POOLED)?;
    let shape = LogitPairShape::packed(N, V, Labels::default());
    let [logits, ref_logits, labels, all, d_logits] =
        [&logits, &ref_logits, &labels, &rows, &d_logits].map(Slice::whole);
    let planes = all.part(0, (PLANES * N) as u64);
    let forward = LogitPairForward { logits, ref_logits, labels, result: planes };
    let there = plan.forward(gpu.device(), &shape, &forward)?;
    let upstream = Upstream { offset: PLANES * N, stride: N, mask: 1 << 1 };
    let saved = LogitPairBackward { logits, ref_logits, rows: all, labels, d_logits, saved: 0, upstream };
    let back = plan.backward(gpu.device(), &shape, &saved, By::Policy)?;

    let (x, r, up) = (wide(&data.logits), wide(&data.ref_logits), wide(&data.up));
    let x = pairs(&x, &r, &data.labels);
    let (mut expected, mut gradient) = (vec![0.0; PLANES * N], vec![0.0; N * V]);
    logit_pairs(op, &x, &mut expected)?;
    logit_pairs_backward(op, &x, &[None, Some(&up), None, None], By::Policy, &mut gradient)?;
    let value = planes.part((VALUE * N) as u64, N as u64);
    gpu.hold("divergences", &there, value, plane(&expected, VALUE, N))?;
    gpu.hold("gradient", &back, d_logits, &gradient)?;
    group.bench_function(format!("{}/forward/gpu", O::SPEC.slug), |b| b.iter(|| gpu.run(&there)));
    group.bench_function(format!("{}/backward/gpu", O::SPEC.slug), |b| b.iter(|| gpu.run(&back)));
    Ok(())
}

fn of<O: PairRow>(group: &mut BenchmarkGroup<'_, WallTime>, device: Option<&Gpu>, op: &O, data: &Data) {
    cpu(group, "cpu f32", op, (&pairs(&data.logits, &data.ref_logits, &data.labels), &data.up));
    if let Some(device) = device {
        gpu(group, device, op, data).expect("the device runs the kernels");
    }
}

fn bench(c: &mut Criterion) {
    let (logits, ref_logits) = (noise(N * V, 1), noise(N * V, 2));
    let data = Data { logits, ref_logits, labels: labels(N, V), up: noise(N, 3) };
    let device = Gpu::open();
    let mut group = group(c, &format!("logit_pairs {N}x{V}"), N * V);
    of(&mut group, device.as_ref(), &Kl::default(), &data);
    of(&mut group, device.as_ref(), &Js::default(), &data);
    of(&mut group, device.as_ref(), &AlphaDivergence::default(), &data);
    let mut kl = vec![0.0; N];
    group.bench_function("textbook f32, forward KL", |b| b.iter(|| textbook(black_box(&data), &mut kl)));
    group.bench_function("yardstick/read sum of both logits", |b| {
        b.iter(|| read_sum(black_box(&data.logits)) + read_sum(black_box(&data.ref_logits)));
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
