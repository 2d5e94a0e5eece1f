//! TokenMap: the third divergence estimate and its gradient from token log-probabilities.
//!
//! Throughput in tokens; two sizes, since a submission to a device has a price of its own.

use std::hint::black_box;

use bellwether_benches::{Gpu, group, noise, plane, wide};
use bellwether_core::logprob::K3;
use bellwether_core::sig::Reduction;
use bellwether_cpu_ref::token_map::{MapInputs, MapOp, View, token_map as forward};
use bellwether_cpu_ref::token_rows::Scalar;
use bellwether_gpu::{Dialect, Error, MapBuffers, MapShape, Slice, TokenMap};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use rayon::prelude::*;

const P: usize = K3::PLANES.count();
/// Tokens that one thread takes at a time.
const BLOCK: usize = 4096;

/// Runs the reference on log-probabilities of policy and reference.
fn run<T: Scalar>(logp: &[T], ref_logp: &[T], result: &mut [T]) {
    let n = logp.len();
    let (inputs, constants) = ([View::packed(logp, n)], [View::packed(ref_logp, n)]);
    let x = black_box(MapInputs::new((1, n), &inputs, &constants));
    forward(&K3 {}, &x, Reduction::Sum, result).expect("finite inputs");
}

fn threads(logp: &[f32], ref_logp: &[f32]) {
    logp.par_chunks(BLOCK).zip(ref_logp.par_chunks(BLOCK)).for_each(|(logp, ref_logp)| {
        let mut result = [0.0; P * BLOCK];
        run(logp, ref_logp, &mut result[..P * logp.len()]);
        black_box(&result);
    });
}

/// The formula as it stands in the post, with no care for small differences.
fn textbook(logp: &[f32], ref_logp: &[f32], kl: &mut [f32], d_logp: &mut [f32]) {
    for (i, (logp, ref_logp)) in logp.iter().zip(ref_logp).enumerate() {
        let d = ref_logp - logp;
        (kl[i], d_logp[i]) = (d.exp() - 1.0 - d, 1.0 - d.exp());
    }
}

fn gpu(
    group: &mut BenchmarkGroup<'_, WallTime>,
    gpu: &Gpu,
    [logp, ref_logp]: [&[f32]; 2],
    expected: &[f64],
) -> Result<(), Error> {
    let n = logp.len();
    let (inputs, constants, result) = (gpu.floats(logp)?, gpu.floats(ref_logp)?, gpu.results(P * n)?);
    let plan = TokenMap::new(gpu.device(), &K3 {}, Dialect::POOLED)?;
    let result = Slice::whole(&result);
    let (inputs, constants) = (Slice::whole(&inputs), Some(Slice::whole(&constants)));
    let buffers = MapBuffers { inputs, constants, mask: None, result };
    let recorded = plan.forward(gpu.device(), &MapShape::packed(1, n, Reduction::Sum), &buffers)?;
    gpu.hold("gradient", &recorded, result.part(n as u64, n as u64), plane(expected, 1, n))?;
    group.bench_function("gpu", |b| b.iter(|| gpu.run(&recorded)));
    Ok(())
}

fn bench(c: &mut Criterion) {
    let device = Gpu::open();
    for n in [8192, 1_048_576] {
        let (logp, ref_logp) = (noise(n, 1), noise(n, 2));
        let (wide_logp, wide_ref) = (wide(&logp), wide(&ref_logp));
        let mut group = group(c, &format!("token_map {n}"), n);
        let mut expected = vec![0.0; P * n];
        group.bench_function("cpu f64", |b| b.iter(|| run(&wide_logp, &wide_ref, &mut expected)));
        let mut result = vec![0.0; P * n];
        group.bench_function("cpu f32", |b| b.iter(|| run(&logp, &ref_logp, &mut result)));
        group.bench_function("cpu f32 rayon", |b| b.iter(|| threads(black_box(&logp), &ref_logp)));
        let (mut kl, mut slopes) = (vec![0.0; n], vec![0.0; n]);
        group.bench_function("textbook f32", |b| {
            b.iter(|| textbook(black_box(&logp), &ref_logp, &mut kl, &mut slopes));
        });
        if let Some(device) = &device {
            run(&wide_logp, &wide_ref, &mut expected);
            gpu(&mut group, device, [&logp, &ref_logp], &expected).expect("the device runs the kernel");
        }
        group.finish();
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
