//! TokenRows' other ways on the GPU: gradients over the logits, planes and gradients in one kernel, logits in 16 bits,
//! shards of the vocabulary, and few rows cut into parts. The reference holds each before it is timed.

use bellwether_benches::{Gpu, group, labels, noise, plane, wide};
use bellwether_core::logprob::Token;
use bellwether_core::sig::token_rows::{LOGP, Labels, PLANES, STATE};
use bellwether_core::{Error as Refused, Storage};
use bellwether_cpu_ref::token_rows::{Tokens, token_rows as forward};
use bellwether_gpu::{
    Dialect, Error, Slice, TokenBackward, TokenFinish, TokenForward, TokenInPlace, TokenOver, TokenPartial,
    TokenRows, TokenShape, TokenStep, Upstream, wgpu,
};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};

const P: usize = PLANES.len();

/// Rows of small integers, which all storages hold exactly, and what they need beside.
struct Rows<'g> {
    gpu: &'g Gpu,
    n: usize,
    v: usize,
    numbers: Vec<f32>,
    labels: wgpu::Buffer,
    /// Planes of `forward`, and behind them the upstream gradients.
    rows: wgpu::Buffer,
    expected: Vec<f64>,
}

/// Log-probabilities of the rows.
fn reference(numbers: &[f32], v: usize, labels: &[i32]) -> Result<Vec<f64>, Refused> {
    let (logits, n) = (wide(numbers), labels.len());
    let mut planes = vec![0.0; P * n];
    forward(&Token::default(), &Tokens::new(&logits, v, labels, Labels::default()), &mut planes)?;
    Ok(plane(&planes, LOGP, n).to_vec())
}

impl<'g> Rows<'g> {
    fn new(gpu: &'g Gpu, n: usize, v: usize) -> Result<Self, Error> {
        let numbers: Vec<f32> = noise(n * v, 1).into_iter().map(f32::round).collect();
        let labels = labels(n, v);
        let expected = reference(&numbers, v, &labels)?;
        let rows = gpu.floats(&[vec![0.0; P * n], noise(n, 2)].concat())?;
        let labels = gpu.labels(&labels)?;
        Ok(Self { gpu, n, v, numbers, labels, rows, expected })
    }

    fn shape(&self) -> TokenShape {
        TokenShape::packed(self.n, self.v, Labels::default())
    }

    fn upstream(&self) -> Upstream {
        Upstream { offset: P * self.n, stride: self.n, mask: 1 }
    }

    /// The planes at the beginning of the rows.
    fn planes(&self) -> Slice<'_> {
        Slice::whole(&self.rows).part(0, (P * self.n) as u64)
    }

    fn logp(&self) -> Slice<'_> {
        self.planes().part((LOGP * self.n) as u64, self.n as u64)
    }

    /// The logits in a storage: integers of few digits are the upper bits of their f32.
    fn logits(&self, storage: Storage) -> Result<wgpu::Buffer, Error> {
        if storage == Storage::F32 {
            return self.gpu.floats(&self.numbers);
        }
        let half = |x: f32| if storage == Storage::Bf16 { x.to_bits() >> 16 } else { small_half(x) };
        let words = self.numbers.chunks(2).map(|pair| half(pair[0]) | half(pair[1]) << 16);
        self.gpu.labels(&words.map(u32::cast_signed).collect::<Vec<_>>())
    }

    /// A plan in a storage.
    fn plan(&self, storage: Storage) -> Result<TokenRows, Error> {
        TokenRows::new(self.gpu.device(), &Token::default(), Dialect::POOLED.stored(storage))
    }
}

/// A small integer as binary16.
fn small_half(x: f32) -> u32 {
    let bits = x.to_bits();
    let size = (bits & 0x7fff_ffff) >> 13;
    (bits >> 16 & 0x8000) | if size == 0 { 0 } else { size - (112 << 10) }
}

/// Forward and backward in each storage.
fn stored(group: &mut BenchmarkGroup<'_, WallTime>, rows: &Rows<'_>) -> Result<(), Error> {
    let (gpu, shape) = (rows.gpu, rows.shape());
    for storage in Storage::ALL {
        let logits = rows.logits(storage)?;
        let d_logits = gpu.results(rows.n * rows.v)?;
        let plan = rows.plan(storage)?;
        let (logits, labels, result) = (Slice::whole(&logits), Slice::whole(&rows.labels), rows.planes());
        let there =
            plan.forward(gpu.device(), &shape, &TokenForward { logits, labels, result, scratch: None })?;
        let (all, d_logits) = (Slice::whole(&rows.rows), Slice::whole(&d_logits));
        let upstream = rows.upstream();
        let saved = TokenBackward { logits, rows: all, labels, d_logits, saved: 0, upstream };
        let back = plan.backward(gpu.device(), &shape, &saved)?;
        gpu.hold(storage.name(), &there, rows.logp(), &rows.expected)?;
        group.bench_function(format!("forward/{}", storage.name()), |b| b.iter(|| gpu.run(&there)));
        group.bench_function(format!("backward/{}", storage.name()), |b| b.iter(|| gpu.run(&back)));
    }
    Ok(())
}

/// Gradients over the logits: after `forward`, and with the planes in one kernel. A run reads what the one before left.
fn in_place(group: &mut BenchmarkGroup<'_, WallTime>, rows: &Rows<'_>) -> Result<(), Error> {
    let (gpu, shape, upstream) = (rows.gpu, rows.shape(), rows.upstream());
    let plan = TokenInPlace::new(gpu.device(), &Token::default(), Dialect::POOLED)?;
    let logits = rows.logits(Storage::F32)?;
    let (logits, labels, all) = (Slice::whole(&logits), Slice::whole(&rows.labels), Slice::whole(&rows.rows));
    let over = TokenOver { logits, rows: all, labels, saved: 0, upstream };
    let back = plan.backward(gpu.device(), &shape, &over)?;
    let ups = gpu.floats(&noise(rows.n, 2))?;
    let planes = gpu.results(P * rows.n)?;
    let (planes, upstream) = (Slice::whole(&planes), Upstream { offset: 0, ..upstream });
    let step = TokenStep { logits, rows: Slice::whole(&ups), labels, planes, upstream };
    let step = plan.step(gpu.device(), &shape, &step)?;
    let logp = planes.part((LOGP * rows.n) as u64, rows.n as u64);
    gpu.hold("one kernel", &step, logp, &rows.expected)?;
    group.bench_function("backward in place", |b| b.iter(|| gpu.run(&back)));
    group.bench_function("planes and gradients in one kernel", |b| b.iter(|| gpu.run(&step)));
    Ok(())
}

/// Four shards of the vocabulary: their states, and the planes of all.
fn sharded(group: &mut BenchmarkGroup<'_, WallTime>, rows: &Rows<'_>) -> Result<(), Error> {
    const SHARDS: usize = 4;
    let (gpu, n, width) = (rows.gpu, rows.n, rows.v / SHARDS);
    let plan = rows.plan(Storage::F32)?;
    let states = gpu.results(SHARDS * STATE.len() * n)?;
    let (states, labels) = (Slice::whole(&states), Slice::whole(&rows.labels));
    let mut partial = Vec::new();
    let mut shards = Vec::new();
    for shard in 0..SHARDS {
        let columns = rows.numbers.chunks(rows.v).flat_map(|row| row[shard * width..][..width].to_vec());
        shards.push(gpu.floats(&columns.collect::<Vec<_>>())?);
    }
    for (i, logits) in shards.iter().enumerate() {
        let column_base = i * width;
        let shape = TokenShape { column_base, ..TokenShape::packed(n, width, Labels::default()) };
        let states = states.part((i * STATE.len() * n) as u64, (STATE.len() * n) as u64);
        let logits = Slice::whole(logits);
        partial.push(plan.partial(gpu.device(), &shape, &TokenPartial { logits, labels, states })?);
    }
    let (result, plane_stride, shard_stride) = (rows.planes(), n, STATE.len() * n);
    let finish = TokenFinish { states, labels, result, plane_stride, shard_stride };
    let mut all = plan.finish(gpu.device(), &rows.shape(), SHARDS, &finish)?;
    group.bench_function("finish of 4 shards", |b| b.iter(|| gpu.run(&all)));
    let later = std::mem::take(&mut all);
    partial.into_iter().for_each(|calls| all.append(calls));
    all.append(later);
    gpu.hold("4 shards", &all, rows.logp(), &rows.expected)?;
    group.bench_function("partial and finish of 4 shards", |b| b.iter(|| gpu.run(&all)));
    Ok(())
}

/// Few rows with many columns: a workgroup per row, and one per part.
fn split(group: &mut BenchmarkGroup<'_, WallTime>, rows: &Rows<'_>) -> Result<(), Error> {
    let (gpu, shape) = (rows.gpu, rows.shape());
    let (logits, plan) = (rows.logits(Storage::F32)?, rows.plan(Storage::F32)?);
    let scratch = gpu.results((shape.scratch_bytes("bench")? / 4) as usize)?;
    let (logits, labels, result) = (Slice::whole(&logits), Slice::whole(&rows.labels), rows.planes());
    for (name, scratch) in [("whole rows", None), ("rows in parts", Some(Slice::whole(&scratch)))] {
        let forward =
            plan.forward(gpu.device(), &shape, &TokenForward { logits, labels, result, scratch })?;
        gpu.hold(name, &forward, rows.logp(), &rows.expected)?;
        group.bench_function(name, |b| b.iter(|| gpu.run(&forward)));
    }
    Ok(())
}

fn run(c: &mut Criterion, gpu: &Gpu) -> Result<(), Error> {
    let many = Rows::new(gpu, 64, 32_768)?;
    let mut ways = group(c, "token_ways 64x32768", many.n * many.v);
    stored(&mut ways, &many)?;
    in_place(&mut ways, &many)?;
    sharded(&mut ways, &many)?;
    ways.finish();
    let few = Rows::new(gpu, 2, 1 << 18)?;
    let mut ways = group(c, "token_ways 2x262144", few.n * few.v);
    split(&mut ways, &few)?;
    ways.finish();
    Ok(())
}

fn bench(c: &mut Criterion) {
    if let Some(gpu) = Gpu::open() {
        run(c, &gpu).expect("the device runs the kernels");
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
