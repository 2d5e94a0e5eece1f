//! ReverseScan: generalised advantage estimation over [4096, 1024] steps, batch-major and time-major.
//!
//! Throughput in steps. Values are one array of one step more than rewards; discount and λ are one number each.

use std::hint::black_box;

use bellwether_benches::{Gpu, group, noise, plane};
use bellwether_core::returns::Gae;
use bellwether_core::sig::Reduction;
use bellwether_cpu_ref::reverse_scan::{Order, ScanInputs, reverse_scan as forward};
use bellwether_cpu_ref::token_map::View;
use bellwether_gpu::{Dialect, Error, ReverseScan, ScanBuffers, ScanShape, Slice, View as Place};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};

const ROWS: usize = 4096;
const LEN: usize = 1024;
const N: usize = ROWS * LEN;
/// Advantages, returns, status.
const P: usize = 3;
const GAMMA: f32 = 0.99;
const LAMBDA: f32 = 0.95;

/// Elements from row to row and from step to step, of rewards and of values.
fn distances(order: Order) -> [[usize; 2]; 2] {
    [order.distances(ROWS, LEN), order.distances(ROWS, LEN + 1)]
}

fn run(rewards: &[f32], values: &[f32], order: Order, result: &mut [f32]) {
    let [[r_row, r_col], [v_row, v_col]] = distances(order);
    let number = |data| View { data, row: 0, col: 0 };
    let v = |data| View { data, row: v_row, col: v_col };
    let inputs = [
        View { data: rewards, row: r_row, col: r_col },
        number(&[GAMMA][..]),
        number(&[LAMBDA][..]),
        v(values),
        v(&values[v_col..]),
    ];
    let x = black_box(ScanInputs { order, ..ScanInputs::new((ROWS, LEN), &inputs, &[]) });
    forward(&Gae {}, &x, Reduction::Sum, result).expect("finite inputs");
}

/// The loop as it stands in trainers, all rows a step at a time where they are neighbours.
fn textbook(rewards: &[f32], values: &[f32], order: Order, advantages: &mut [f32]) {
    let [[r_row, r_col], [v_row, v_col]] = distances(order);
    let mut step = |r: usize, t: usize, next: f32| {
        let v = r * v_row + t * v_col;
        let delta = rewards[r * r_row + t * r_col] + GAMMA * values[v + v_col] - values[v];
        let advantage = delta + GAMMA * LAMBDA * next;
        advantages[r * r_row + t * r_col] = advantage;
        advantage
    };
    if order == Order::BatchMajor {
        for r in 0..ROWS {
            (0..LEN).rev().fold(0.0, |next, t| step(r, t, next));
        }
    } else {
        let mut next = vec![0.0; ROWS];
        for t in (0..LEN).rev() {
            next.iter_mut().enumerate().for_each(|(r, next)| *next = step(r, t, *next));
        }
    }
}

fn gpu(
    group: &mut BenchmarkGroup<'_, WallTime>,
    gpu: &Gpu,
    [rewards, values]: [&[f32]; 2],
    order: Order,
    expected: &[f64],
) -> Result<(), Error> {
    let [[r_row, r_col], [v_row, v_col]] = distances(order);
    let inputs = gpu.floats(&[rewards, values, &[GAMMA, LAMBDA]].concat())?;
    let result = gpu.results(P * N)?;
    let (first, numbers) = (rewards.len(), rewards.len() + values.len());
    let number = |offset| Place { offset, row: 0, col: 0 };
    let v = |offset| Place { offset, row: v_row, col: v_col };
    let rewards = Place { offset: 0, row: r_row, col: r_col };
    let shape = ScanShape {
        inputs: [rewards, number(numbers), number(numbers + 1), v(first), v(first + v_col)],
        order,
        ..ScanShape::padded(ROWS, LEN, Reduction::Sum)
    };
    let plan = ReverseScan::new(gpu.device(), &Gae {}, Dialect::POOLED)?;
    let result = Slice::whole(&result);
    let buffers = ScanBuffers { inputs: Slice::whole(&inputs), constants: None, words: None, result };
    let recorded = plan.forward(gpu.device(), &shape, &buffers)?;
    gpu.hold("advantages", &recorded, result.part(0, N as u64), plane(expected, 0, N))?;
    group.bench_function("gpu", |b| b.iter(|| gpu.run(&recorded)));
    Ok(())
}

fn bench(c: &mut Criterion) {
    let device = Gpu::open();
    let (rewards, values) = (noise(N, 1), noise(ROWS * (LEN + 1), 2));
    for (name, order) in [("[B, T]", Order::BatchMajor), ("[T, B]", Order::TimeMajor)] {
        let mut group = group(c, &format!("reverse_scan gae {name}"), N);
        let mut result = vec![0.0; P * N];
        group.bench_function("cpu f32", |b| b.iter(|| run(&rewards, &values, order, &mut result)));
        let mut advantages = vec![0.0; N];
        group.bench_function("textbook f32", |b| {
            b.iter(|| textbook(black_box(&rewards), &values, order, &mut advantages));
        });
        if let Some(device) = &device {
            let expected: Vec<f64> = result.iter().map(|&x| x.into()).collect();
            gpu(&mut group, device, [&rewards, &values], order, &expected)
                .expect("the device runs the kernel");
        }
        group.finish();
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
