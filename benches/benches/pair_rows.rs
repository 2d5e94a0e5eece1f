//! PairRows: DPO's loss, rewards and both gradients from sequence log-probabilities.
//!
//! Throughput in pairs; two sizes, since a submission to a device has a price of its own.

use std::hint::black_box;

use bellwether_benches::{Gpu, group, noise, plane, wide};
use bellwether_core::pair::presets::DPO;
use bellwether_core::sig::Reduction;
use bellwether_core::sig::pair_rows::{D_CHOSEN, PLANES};
use bellwether_cpu_ref::pair_rows::{PairInputs, pair_rows as forward};
use bellwether_cpu_ref::token_rows::Scalar;
use bellwether_gpu::{Dialect, Error, PairBuffers, PairRows, PairShape, Slice};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use rayon::prelude::*;

const P: usize = PLANES.len();
/// Pairs that one thread takes at a time.
const BLOCK: usize = 512;

/// Log-probabilities of chosen and rejected responses, one behind another, and those of the reference.
struct Data<T> {
    n: usize,
    policy: Vec<T>,
    reference: Vec<T>,
}

impl<T: Scalar> Data<T> {
    fn inputs(&self) -> PairInputs<'_, T> {
        let (chosen, rejected) = self.policy.split_at(self.n);
        let (ref_chosen, ref_rejected) = self.reference.split_at(self.n);
        PairInputs::new(chosen, rejected, ref_chosen, ref_rejected)
    }

    fn run(&self, result: &mut [T]) {
        forward(&DPO, black_box(&self.inputs()), Reduction::Sum, result).expect("finite inputs");
    }
}

fn threads(data: &Data<f32>) {
    let (chosen, rejected) = data.policy.split_at(data.n);
    let (ref_chosen, ref_rejected) = data.reference.split_at(data.n);
    let policy = chosen.par_chunks(BLOCK).zip(rejected.par_chunks(BLOCK));
    let reference = ref_chosen.par_chunks(BLOCK).zip(ref_rejected.par_chunks(BLOCK));
    policy.zip(reference).for_each(|((chosen, rejected), (ref_chosen, ref_rejected))| {
        let mut result = [0.0; P * BLOCK];
        let inputs = PairInputs::new(chosen, rejected, ref_chosen, ref_rejected);
        forward(&DPO, &inputs, Reduction::Sum, &mut result[..P * chosen.len()]).expect("finite inputs");
        black_box(&result);
    });
}

/// The formula as it stands in the paper: loss and gradient, no rewards, no care for large margins.
fn textbook(data: &Data<f32>, loss: &mut [f32], d_chosen: &mut [f32]) {
    let n = data.n;
    for i in 0..n {
        let ratio = |j: usize| data.policy[j] - data.reference[j];
        let z = 0.1 * (ratio(i) - ratio(n + i));
        let sigma = 1.0 / (1.0 + (-z).exp());
        loss[i] = -sigma.ln();
        d_chosen[i] = -0.1 * (1.0 - sigma);
    }
}

fn gpu(
    group: &mut BenchmarkGroup<'_, WallTime>,
    gpu: &Gpu,
    data: &Data<f32>,
    double: &Data<f64>,
) -> Result<(), Error> {
    let n = data.n;
    let (inputs, constants, result) =
        (gpu.floats(&data.policy)?, gpu.floats(&data.reference)?, gpu.results(P * n)?);
    let plan = PairRows::new(gpu.device(), &DPO, Dialect::POOLED)?;
    let result = Slice::whole(&result);
    let buffers = PairBuffers { inputs: Slice::whole(&inputs), constants: Slice::whole(&constants), result };
    let recorded = plan.forward(gpu.device(), &PairShape::concatenated(n, Reduction::Sum), &buffers)?;
    let mut expected = vec![0.0; P * n];
    double.run(&mut expected);
    let slopes = result.part((D_CHOSEN * n) as u64, n as u64);
    gpu.hold("gradient", &recorded, slopes, plane(&expected, D_CHOSEN, n))?;
    group.bench_function("gpu", |b| b.iter(|| gpu.run(&recorded)));
    Ok(())
}

fn bench(c: &mut Criterion) {
    let device = Gpu::open();
    for n in [1024, 262_144] {
        let data = Data { n, policy: noise(2 * n, 1), reference: noise(2 * n, 2) };
        let double = Data { n, policy: wide(&data.policy), reference: wide(&data.reference) };
        let mut group = group(c, &format!("pair_rows {n}"), n);
        let mut result = vec![0.0; P * n];
        group.bench_function("cpu f64", |b| b.iter(|| double.run(&mut result)));
        let mut result = vec![0.0; P * n];
        group.bench_function("cpu f32", |b| b.iter(|| data.run(&mut result)));
        group.bench_function("cpu f32 rayon", |b| b.iter(|| threads(black_box(&data))));
        let (mut loss, mut slopes) = (vec![0.0; n], vec![0.0; n]);
        group.bench_function("textbook f32", |b| {
            b.iter(|| textbook(black_box(&data), &mut loss, &mut slopes));
        });
        if let Some(device) = &device {
            gpu(&mut group, device, &data, &double).expect("the device runs the kernel");
        }
        group.finish();
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
