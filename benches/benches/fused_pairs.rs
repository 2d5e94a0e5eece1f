//! FusedPairs: distillation from hidden states of a student and a teacher, the logits never whole.
//!
//! Throughput in logits of one model.

use bellwether_benches::{Gpu, group, labels, noise, plane, wide};
use bellwether_core::logprob::{Js, Token};
use bellwether_core::sig::logit_pairs::{PLANES, VALUE};
use bellwether_core::sig::token_rows::Labels;
use bellwether_cpu_ref::fused_linear::Hidden;
use bellwether_cpu_ref::fused_pairs::{HiddenPairs, fused_pairs};
use bellwether_gpu::{
    Dialect, Error, FusedPairBackward, FusedPairForward, FusedPairShape, FusedPairs, Head, SavedRows, Slice,
    Upstream,
};
use criterion::{Criterion, criterion_group, criterion_main};

const N: usize = 256;
const V: usize = 1024;
const H: usize = 64;
const REF_H: usize = 96;

/// Hidden states and weight of both models.
struct Data([Vec<f32>; 4]);

/// The divergences of every row.
fn reference(op: &Js, data: &Data, labels: &[i32]) -> Result<Vec<f64>, bellwether_core::Error> {
    let [x, w, r, u] = data.0.each_ref().map(|numbers| wide(numbers));
    let rules = Labels::default();
    let student = Hidden { hidden: &x, weight: &w, bias: None, h: H, v: V, labels, rules };
    let pairs = HiddenPairs { student, ref_hidden: &r, ref_weight: &u, ref_bias: None, ref_h: REF_H };
    let (mut scratch, mut result) = (vec![0.0; 2 * V], vec![0.0; PLANES * N]);
    fused_pairs(op, &pairs, &mut scratch, &mut result, None)?;
    Ok(plane(&result, VALUE, N).to_vec())
}

fn run(c: &mut Criterion, gpu: &Gpu) -> Result<(), Error> {
    let small = |n, seed| noise(n, seed).iter().map(|x| x / 8.0).collect::<Vec<f32>>();
    let data = Data([small(N * H, 1), small(V * H, 2), small(N * REF_H, 3), small(V * REF_H, 4)]);
    let (op, host_labels) = (Js::default(), labels(N, V));
    let expected = reference(&op, &data, &host_labels)?;
    let plan = FusedPairs::new(gpu.device(), &op, &Token::default(), Dialect::POOLED)?;
    let shape = FusedPairShape::packed(N, V, [H, REF_H], Labels::default());
    let arrays = data.0.each_ref().map(|numbers| gpu.floats(numbers));
    let [x, w, r, u] = arrays;
    let (x, w, r, u) = (x?, w?, r?, u?);
    let head =
        |hidden, weight| Head { hidden: Slice::whole(hidden), weight: Slice::whole(weight), bias: None };
    let (student, teacher) = (head(&x, &w), head(&r, &u));
    // Planes of `forward`, and behind them two planes of upstream gradients.
    let rows = gpu.floats(&[vec![0.0; (PLANES + 1) * N], noise(N, 5)].concat())?;
    let (labels, scratch) =
        (gpu.labels(&host_labels)?, gpu.results((shape.scratch_bytes("bench")? / 4) as usize)?);
    let (labels, scratch, rows) = (Slice::whole(&labels), Slice::whole(&scratch), Slice::whole(&rows));
    let result = rows.part(0, (PLANES * N) as u64);
    let forward = FusedPairForward { student, teacher, labels, scratch, result, hard: None };
    let there = plan.forward(gpu.device(), &shape, &forward)?;
    let (d_hidden, d_weight) = (gpu.results(N * H)?, gpu.results(V * H)?);
    let upstream = Upstream { offset: PLANES * N, stride: N, mask: 1 << 1 };
    let back = plan.backward(
        gpu.device(),
        &shape,
        &FusedPairBackward {
            student,
            teacher,
            labels,
            scratch,
            pairs: SavedRows { rows, saved: 0, upstream },
            hard: None,
            d_hidden: Slice::whole(&d_hidden),
            d_weight: Slice::whole(&d_weight),
            d_bias: None,
        },
    )?;
    gpu.hold("divergences", &there, result.part((VALUE * N) as u64, N as u64), &expected)?;
    let mut group = group(c, &format!("fused_pairs {N}x{V}, hidden {H} and {REF_H}"), N * V);
    group.bench_function("forward/gpu", |b| b.iter(|| gpu.run(&there)));
    group.bench_function("backward/gpu", |b| b.iter(|| gpu.run(&back)));
    group.finish();
    Ok(())
}

fn bench(c: &mut Criterion) {
    if let Some(gpu) = Gpu::open() {
        run(c, &gpu).expect("the device runs the kernels");
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
