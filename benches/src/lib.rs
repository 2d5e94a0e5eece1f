//! What the benches share: numbers, a device or a line that says there is none, and settings that end in minutes.
//!
//! Every bench times the same inputs in one run: the CPU reference in f64 and f32, the same loop written plainly, and
//! the GPU, recorded once and timed per submission including the wait. Compare rows of one run only: the machine's
//! load moves all of them.

use std::time::Duration;

use bellwether_gpu::{Context, Error, Recorded, Slice, wgpu};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};

/// Numbers in (-4, 4) that look random and are the same everywhere.
#[must_use]
pub fn noise(n: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from((state >> 16) as u16) / 8192.0 - 4.0
    };
    (0..n).map(|_| next()).collect()
}

/// Labels in `0..v`; every eighth row is not counted.
#[must_use]
pub fn labels(n: usize, v: usize) -> Vec<i32> {
    (0..n).map(|i| if i % 8 == 7 { -100 } else { (i * 7919 % v) as i32 }).collect()
}

/// The same numbers in f64.
#[must_use]
pub fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&x| x.into()).collect()
}

/// The sum of an array in 32 lanes: a yardstick for what reading alone costs.
#[must_use]
pub fn read_sum(values: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 32];
    for chunk in values.chunks_exact(32) {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane += x;
        }
    }
    lanes.iter().sum()
}

/// A group whose throughput counts `elements`: ten samples, a second or so each.
pub fn group<'c>(c: &'c mut Criterion, name: &str, elements: usize) -> BenchmarkGroup<'c, WallTime> {
    let mut group = c.benchmark_group(name);
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    group.throughput(Throughput::Elements(elements as u64));
    group
}

/// The machine's device.
pub struct Gpu {
    context: Context,
}

impl Gpu {
    /// The fastest device; a printed line says which, or that there is none.
    #[must_use]
    pub fn open() -> Option<Self> {
        match Context::blocking() {
            Ok(context) => {
                println!("GPU: {}", context.describe());
                Some(Self { context })
            }
            Err(error) => {
                println!("GPU: SKIPPED, {error}");
                None
            }
        }
    }

    /// The device.
    #[must_use]
    pub const fn device(&self) -> &wgpu::Device {
        self.context.device()
    }

    /// A buffer that holds these numbers.
    ///
    /// # Errors
    /// Those of the device.
    pub fn floats(&self, values: &[f32]) -> Result<wgpu::Buffer, Error> {
        self.context.upload_f32(values)
    }

    /// A buffer that holds these labels.
    ///
    /// # Errors
    /// Those of the device.
    pub fn labels(&self, values: &[i32]) -> Result<wgpu::Buffer, Error> {
        self.context.upload_i32(values)
    }

    /// A buffer for results.
    ///
    /// # Errors
    /// Those of the device.
    pub fn results(&self, elements: usize) -> Result<wgpu::Buffer, Error> {
        self.context.poisoned(elements)
    }

    /// One submission of a recorded list, and the wait for its end.
    pub fn run(&self, recorded: &Recorded) {
        let mut encoder = self.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        recorded.encode(&mut encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default()));
        let index = self.context.queue().submit([encoder.finish()]);
        let wait = wgpu::PollType::Wait { submission_index: Some(index), timeout: None };
        self.device().poll(wait).expect("the device answers");
    }

    /// Runs the list once and prints how far its result is from the reference, relative to the largest number.
    ///
    /// # Errors
    /// Those of the device.
    ///
    /// # Panics
    /// Above 1e-3: what is wrong is not worth timing.
    pub fn hold(
        &self,
        what: &str,
        recorded: &Recorded,
        result: Slice<'_>,
        expected: &[f64],
    ) -> Result<(), Error> {
        self.run(recorded);
        let given = self.context.download_f32_blocking(result)?;
        let scale = expected.iter().fold(1e-30f64, |most, x| most.max(x.abs()));
        let far = given.iter().zip(expected).map(|(&a, b)| (f64::from(a) - b).abs() / scale);
        let worst = far.fold(0.0f64, |most, x| if x > most || x.is_nan() { x } else { most });
        println!("{what}: gpu against cpu f64, worst difference / largest number = {worst:.1e}");
        assert!(worst < 1e-3, "{what}: the GPU disagrees with the reference");
        Ok(())
    }
}

/// Plane `i` of packed planes of `n` elements.
#[must_use]
pub fn plane<T>(planes: &[T], i: usize, n: usize) -> &[T] {
    &planes[i * n..][..n]
}
