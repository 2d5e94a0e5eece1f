//! SegmentStats: token values and labels to one sum per sequence, and back.
//!
//! Throughput in elements, kept or not.

use std::hint::black_box;

use bellwether_benches::{Gpu, group, labels, noise, plane, read_sum, wide};
use bellwether_core::logprob::SequenceSum;
use bellwether_core::sig::Reduction;
use bellwether_core::sig::segment_stats::{Keep, PLANES, Segments, VALUE};
use bellwether_core::sig::token_rows::Labels;
use bellwether_cpu_ref::segment_stats::{
    Values, segment_stats as forward, segment_stats_backward as backward,
};
use bellwether_cpu_ref::token_rows::Scalar;
use bellwether_gpu::{
    Dialect, Error, KeepWords, SegmentBackward, SegmentForward, SegmentShape, SegmentStats, Slice,
};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};

const SEGMENTS: usize = 2048;
const LEN: usize = 512;
const N: usize = SEGMENTS * LEN;
const P: usize = PLANES.len();
const SUM: SequenceSum = SequenceSum {};

fn inputs<'a, T>(values: &'a [T], labels: &'a [i32]) -> Values<'a, T> {
    let segments = Segments::Padded { count: SEGMENTS, len: LEN };
    Values { values, segments, keep: Keep::Labelled { labels, rules: Labels::default() } }
}

fn cpu<T: Scalar>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    (values, up): (&[T], &[T]),
    labels: &[i32],
) {
    let inputs = inputs(values, labels);
    let (mut result, mut gradient) = (vec![T::zero(); P * SEGMENTS], vec![T::zero(); N]);
    group.bench_function(format!("forward/{name}"), |b| {
        b.iter(|| forward(&SUM, black_box(&inputs), Reduction::Sum, &mut result).expect("finite values"));
    });
    group.bench_function(format!("backward/{name}"), |b| {
        b.iter(|| {
            backward(&SUM, black_box(&inputs), Reduction::Sum, up, &mut gradient).expect("right shapes");
        });
    });
}

/// A mask and a sum.
fn textbook(values: &[f32], labels: &[i32], sums: &mut [f32]) {
    let rows = values.chunks_exact(LEN).zip(labels.chunks_exact(LEN));
    for ((values, labels), out) in rows.zip(sums) {
        *out = values.iter().zip(labels).map(|(&x, &label)| if label == -100 { 0.0 } else { x }).sum();
    }
}

fn gpu(
    group: &mut BenchmarkGroup<'_, WallTime>,
    (host_values, up): (&[f32], &[f32]),
    host_labels: &[i32],
) -> Result<(), Error> {
    let Some(gpu) = Gpu::open() else { return Ok(()) };
    let mut rows = vec![0.0; P * SEGMENTS];
    rows.extend(up);
    let (values, labels) = (gpu.floats(host_values)?, gpu.labels(host_labels)?);
    let (rows, d_values) = (gpu.floats(&rows)?, gpu.results(N)?);
    let (values, words, rows) = (Slice::whole(&values), Some(Slice::whole(&labels)), Slice::whole(&rows));
    let plan = SegmentStats::new(gpu.device(), &SUM, Dialect::POOLED)?;
    let keep = KeepWords { offset: 0, ignore: (-100i32).cast_unsigned(), shift: 0 };
    let shape = SegmentShape { keep: Some(keep), ..SegmentShape::padded(SEGMENTS, LEN) };
    let result = rows.part(0, (P * SEGMENTS) as u64);
    let there = plan.forward(gpu.device(), &shape, &SegmentForward { values, words, result })?;
    let d_values = Slice::whole(&d_values);
    let back = plan.backward(gpu.device(), &shape, &SegmentBackward { rows, words, d_values })?;

    let (wide_values, wide_up) = (wide(host_values), wide(up));
    let inputs = inputs(&wide_values, host_labels);
    let (mut expected, mut gradient) = (vec![0.0; P * SEGMENTS], vec![0.0; N]);
    forward(&SUM, &inputs, Reduction::Sum, &mut expected)?;
    backward(&SUM, &inputs, Reduction::Sum, &wide_up, &mut gradient)?;
    let sums = result.part((VALUE * SEGMENTS) as u64, SEGMENTS as u64);
    gpu.hold("sums", &there, sums, plane(&expected, VALUE, SEGMENTS))?;
    gpu.hold("gradient", &back, d_values, &gradient)?;
    group.bench_function("forward/gpu", |b| b.iter(|| gpu.run(&there)));
    group.bench_function("backward/gpu", |b| b.iter(|| gpu.run(&back)));
    Ok(())
}

fn bench(c: &mut Criterion) {
    let (values, up, labels) = (noise(N, 1), noise(SEGMENTS, 2), labels(N, 1000));
    let mut group = group(c, &format!("segment_stats {SEGMENTS}x{LEN}"), N);
    cpu(&mut group, "cpu f64", (&wide(&values), &wide(&up)), &labels);
    cpu(&mut group, "cpu f32", (&values, &up), &labels);
    let mut sums = vec![0.0; SEGMENTS];
    group.bench_function("forward/textbook f32", |b| {
        b.iter(|| textbook(black_box(&values), &labels, &mut sums));
    });
    group.bench_function("yardstick/read sum of the values", |b| b.iter(|| read_sum(black_box(&values))));
    gpu(&mut group, (&values, &up), &labels).expect("the device runs the kernels");
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
