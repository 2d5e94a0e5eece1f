//! A whole DPO step: logits to loss, rewards and the gradient of every logit.
//!
//! Throughput in logits.

use std::hint::black_box;

use bellwether_benches::{Gpu, group, labels, noise, wide};
use bellwether_core::logprob::{Linear, Token};
use bellwether_core::pair::presets::DPO;
use bellwether_core::sig::Reduction;
use bellwether_core::sig::token_rows::{Labels, Shift};
use bellwether_cpu_ref::pair_rows::Extras;
use bellwether_cpu_ref::step::{Batch, Reference, StepOut, step_from_logits};
use bellwether_cpu_ref::token_rows::Scalar;
use bellwether_gpu::{Error, PairStep, ReferenceKind, Slice, StepBuffers, StepShape, StepSource};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};

const PAIRS: usize = 4;
const LEN: usize = 32;
const V: usize = 8192;
const ROWS: usize = 2 * PAIRS * LEN;
const MEAN: Reduction = Reduction::Mean { over: PAIRS as u32 };

/// Room for everything that the step writes, made once.
struct Room<T> {
    workspace: Vec<T>,
    d_logits: Vec<T>,
}

impl<T: Scalar> Room<T> {
    fn new() -> Self {
        let room = |n| vec![T::zero(); n];
        Self { workspace: room(StepOut::<T>::elements(PAIRS, LEN)), d_logits: room(ROWS * V) }
    }

    fn run(&mut self, logits: &[T], reference: &[T], labels: &[i32]) -> Result<(), bellwether_core::Error> {
        let batch = Batch {
            labels,
            rules: Labels::next(LEN),
            pairs: PAIRS,
            len: LEN,
            reference: Reference::Token(reference),
            reduction: MEAN,
            extras: Extras::default(),
        };
        let mut out = StepOut::carve(&mut self.workspace, PAIRS, LEN)?;
        step_from_logits(&DPO, &Token::default(), &batch, (logits, V), &mut out, &mut self.d_logits)
    }
}

fn cpu<T: Scalar>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    (logits, reference): (&[T], &[T]),
    labels: &[i32],
) {
    let mut room = Room::new();
    group.bench_function(name, |b| {
        b.iter(|| room.run(black_box(logits), reference, labels).expect("finite logits"));
    });
}

fn gpu(
    group: &mut BenchmarkGroup<'_, WallTime>,
    (host_logits, host_reference): (&[f32], &[f32]),
    host_labels: &[i32],
) -> Result<(), Error> {
    let Some(gpu) = Gpu::open() else { return Ok(()) };
    let shape = StepShape {
        pairs: PAIRS,
        len: LEN,
        v: V,
        ignore_index: -100,
        shift: Shift::Next,
        reduction: MEAN,
        reference: ReferenceKind::PerToken,
    };
    let (logits, d_logits) = (gpu.floats(host_logits)?, gpu.results(ROWS * V)?);
    let (labels, reference) = (gpu.labels(host_labels)?, gpu.floats(host_reference)?);
    let workspace = gpu.results((shape.workspace_bytes()? / 4) as usize)?;
    let d_logits = Slice::whole(&d_logits);
    let source = StepSource::Logits { logits: Slice::whole(&logits), d_logits };
    let [labels, reference, workspace] = [&labels, &reference, &workspace].map(Slice::whole);
    let buffers = StepBuffers::new(source, labels, reference, workspace);
    let plan = PairStep::new(gpu.device(), &DPO, &Linear::default())?;
    let recorded = plan.record(gpu.device(), &shape, &buffers)?;
    let mut room = Room::new();
    room.run(&wide(host_logits), &wide(host_reference), host_labels)?;
    gpu.hold("gradient of the logits", &recorded, d_logits, &room.d_logits)?;
    println!("gpu: {} dispatches in one submission", recorded.len());
    group.bench_function("gpu", |b| b.iter(|| gpu.run(&recorded)));
    Ok(())
}

fn bench(c: &mut Criterion) {
    let (logits, reference, labels) = (noise(ROWS * V, 1), noise(ROWS, 2), labels(ROWS, V));
    let mut group = group(c, &format!("pair_step {PAIRS} pairs of {LEN}x{V}"), ROWS * V);
    cpu(&mut group, "cpu f64", (&wide(&logits), &wide(&reference)), &labels);
    cpu(&mut group, "cpu f32", (&logits, &reference), &labels);
    gpu(&mut group, (&logits, &reference), &labels).expect("the device runs the step");
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
