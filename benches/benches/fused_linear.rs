//! FusedLinear: hidden states and LM-head weight to log-probabilities, and back, without the logits in memory.
//!
//! Throughput in logits that are formed and thrown away; each takes `H` multiply-adds. The textbook loop keeps them.

use std::hint::black_box;

use bellwether_benches::{Gpu, group, labels, noise, plane, wide};
use bellwether_core::logprob::Linear;
use bellwether_core::sig::token_rows::{LOGP, Labels, PLANES};
use bellwether_cpu_ref::fused_linear::{
    Hidden, HiddenGradients, fused_linear as forward, fused_linear_backward as backward,
};
use bellwether_cpu_ref::token_rows::{Scalar, TokenUpstream};
use bellwether_gpu::{Dialect, Error, FusedBackward, FusedForward, FusedLinear, FusedShape, Slice, Upstream};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};

const N: usize = 256;
const V: usize = 1024;
const H: usize = 64;
const P: usize = PLANES.len();

struct Data<T> {
    hidden: Vec<T>,
    weight: Vec<T>,
    up: Vec<T>,
}

impl<T: Scalar> Data<T> {
    fn inputs<'a>(&'a self, labels: &'a [i32]) -> Hidden<'a, T> {
        let rules = Labels::default();
        Hidden { hidden: &self.hidden, weight: &self.weight, bias: None, h: H, v: V, labels, rules }
    }

    fn up(&self) -> TokenUpstream<'_, T> {
        TokenUpstream { logp: Some(&self.up), ..TokenUpstream::default() }
    }
}

fn cpu<T: Scalar>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, data: &Data<T>, labels: &[i32]) {
    let inputs = data.inputs(labels);
    let (mut scratch, mut result) = (vec![T::zero(); (N + 1) * V], vec![T::zero(); P * N]);
    group.bench_function(format!("forward/{name}"), |b| {
        b.iter(|| {
            forward(&Linear::default(), black_box(&inputs), &mut scratch, &mut result).expect("finite");
        });
    });
    let (mut d_hidden, mut d_weight) = (vec![T::zero(); N * H], vec![T::zero(); V * H]);
    group.bench_function(format!("backward/{name}"), |b| {
        b.iter(|| {
            let out = HiddenGradients { d_hidden: &mut d_hidden, d_weight: &mut d_weight, d_bias: None };
            backward(&Linear::default(), black_box(&inputs), &data.up(), &mut scratch, out).expect("finite");
        });
    });
}

/// Log-probabilities and the gradient of the weight in f64.
fn reference(data: &Data<f64>, labels: &[i32]) -> Result<[Vec<f64>; 2], bellwether_core::Error> {
    let (inputs, op) = (data.inputs(labels), Linear::default());
    let (mut scratch, mut result) = (vec![0.0; (N + 1) * V], vec![0.0; P * N]);
    let (mut d_hidden, mut d_weight) = (vec![0.0; N * H], vec![0.0; V * H]);
    forward(&op, &inputs, &mut scratch, &mut result)?;
    let out = HiddenGradients { d_hidden: &mut d_hidden, d_weight: &mut d_weight, d_bias: None };
    backward(&op, &inputs, &data.up(), &mut scratch, out)?;
    Ok([plane(&result, LOGP, N).to_vec(), d_weight])
}

/// Three loops for the logits, then log-softmax and gather; logits stay in memory.
fn textbook(data: &Data<f32>, labels: &[i32], logits: &mut [f32], logp: &mut [f32]) {
    for (hidden, row) in data.hidden.chunks_exact(H).zip(logits.chunks_exact_mut(V)) {
        for (weight, logit) in data.weight.chunks_exact(H).zip(row) {
            *logit = hidden.iter().zip(weight).map(|(a, b)| a * b).sum();
        }
    }
    for ((row, &label), out) in logits.chunks_exact(V).zip(labels).zip(logp) {
        let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f32 = row.iter().map(|x| (x - max).exp()).sum();
        *out = usize::try_from(label).map_or(0.0, |y| row[y] - max - sum.ln());
    }
}

fn gpu(
    group: &mut BenchmarkGroup<'_, WallTime>,
    data: &Data<f32>,
    host_labels: &[i32],
    expected: &[Vec<f64>; 2],
) -> Result<(), Error> {
    let Some(gpu) = Gpu::open() else { return Ok(()) };
    let shape = FusedShape::packed(N, V, H, Labels::default());
    let mut rows = vec![0.0; P * N];
    rows.extend(&data.up);
    let (hidden, weight) = (gpu.floats(&data.hidden)?, gpu.floats(&data.weight)?);
    let (labels, rows) = (gpu.labels(host_labels)?, gpu.floats(&rows)?);
    let scratch = gpu.results((shape.scratch_bytes()? / 4) as usize)?;
    let (d_hidden, d_weight) = (gpu.results(N * H)?, gpu.results(V * H)?);
    let plan = FusedLinear::new(gpu.device(), &Linear::default(), Dialect::POOLED)?;
    let (hidden, weight, labels) = (Slice::whole(&hidden), Slice::whole(&weight), Slice::whole(&labels));
    let (rows, scratch) = (Slice::whole(&rows), Slice::whole(&scratch));
    let result = rows.part(0, (P * N) as u64);
    let there = plan.forward(
        gpu.device(),
        &shape,
        &FusedForward { hidden, weight, bias: None, labels, scratch, result },
    )?;
    let upstream = Upstream { offset: P * N, stride: N, mask: 1 };
    let (d_hidden, d_weight) = (Slice::whole(&d_hidden), Slice::whole(&d_weight));
    let (bias, d_bias, saved) = (None, None, 0);
    let buffers = FusedBackward {
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
    let back = plan.backward(gpu.device(), &shape, &buffers)?;
    gpu.hold("log-probabilities", &there, result.part((LOGP * N) as u64, N as u64), &expected[0])?;
    gpu.hold("gradient of the weight", &back, d_weight, &expected[1])?;
    group.bench_function("forward/gpu", |b| b.iter(|| gpu.run(&there)));
    group.bench_function("backward/gpu", |b| b.iter(|| gpu.run(&back)));
    Ok(())
}

fn bench(c: &mut Criterion) {
    let small = |n, seed| noise(n, seed).iter().map(|x| x / 8.0).collect::<Vec<f32>>();
    let data = Data { hidden: small(N * H, 1), weight: small(V * H, 2), up: noise(N, 3) };
    let labels = labels(N, V);
    let mut group = group(c, &format!("fused_linear {N}x{V}, hidden {H}"), N * V);
    let double = Data { hidden: wide(&data.hidden), weight: wide(&data.weight), up: wide(&data.up) };
    let expected = reference(&double, &labels).expect("finite");
    cpu(&mut group, "cpu f64", &double, &labels);
    cpu(&mut group, "cpu f32", &data, &labels);
    let (mut logits, mut logp) = (vec![0.0; N * V], vec![0.0; N]);
    group.bench_function("forward/textbook f32", |b| {
        b.iter(|| textbook(black_box(&data), &labels, &mut logits, &mut logp));
    });
    gpu(&mut group, &data, &labels, &expected).expect("the device runs the kernels");
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
