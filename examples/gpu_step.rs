//! A DPO step inside a host that has a device, buffers and passes of its own, as a framework does.
//!
//! The host's pool is one buffer; all arrays are slices of it. The step is recorded once and encoded into the host's
//! pass; the host submits and reads back. The numbers are then held against the CPU reference in f64.
//!
//! `cargo run --release -p bellwether-examples --example gpu_step`

use std::error::Error;
use std::process::ExitCode;

use bellwether_core::logprob::Linear;
use bellwether_core::pair::presets::DPO;
use bellwether_core::sig::token_rows::Shift;
use bellwether_core::sig::{Reduction, pair_rows};
use bellwether_cpu_ref::pair_rows::Extras;
use bellwether_cpu_ref::step::{Batch, Reference};
use bellwether_examples::{dpo_step, noise, wide, worst};
use bellwether_gpu::{PairStep, ReferenceKind, Slice, StepBuffers, StepShape, StepSource, wgpu};

const SHAPE: StepShape = StepShape {
    pairs: 4,
    len: 16,
    v: 1000,
    ignore_index: -100,
    shift: Shift::Next,
    reduction: Reduction::Mean { over: 4 },
    reference: ReferenceKind::PerToken,
};
const ROWS: usize = 2 * SHAPE.pairs * SHAPE.len;

/// What a host has before it ever hears of bellwether.
struct Host {
    device: wgpu::Device,
    queue: wgpu::Queue,
    pool: wgpu::Buffer,
}

impl Host {
    fn open(adapter: &wgpu::Adapter, bytes: u64) -> Result<Self, wgpu::RequestDeviceError> {
        let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor::default()))?;
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        let pool =
            wgpu::BufferDescriptor { label: Some("pool"), size: bytes, usage, mapped_at_creation: false };
        let pool = device.create_buffer(&pool);
        Ok(Self { device, queue, pool })
    }

    /// Everything in the pool, once the commands are done.
    fn finish(&self, mut encoder: wgpu::CommandEncoder) -> Result<Vec<f32>, Box<dyn Error>> {
        let size = self.pool.size();
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let staging = wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
        let staging = self.device.create_buffer(&staging);
        encoder.copy_buffer_to_buffer(&self.pool, 0, &staging, 0, size);
        self.queue.submit([encoder.finish()]);
        staging.map_async(wgpu::MapMode::Read, .., |_| ());
        self.device.poll(wgpu::PollType::wait_indefinitely())?;
        let view = staging.get_mapped_range(..)?;
        Ok(bytemuck::pod_collect_to_vec(&view))
    }
}

/// The step on the device: the workspace with its results, and the gradient of the logits.
fn on_gpu(
    adapter: &wgpu::Adapter,
    (logits, labels, reference): (&[f32], &[i32], &[f32]),
) -> Result<(Vec<f32>, Vec<f32>), Box<dyn Error>> {
    let most = size_of_val(logits) as u64;
    let sizes =
        [most, most, size_of_val(labels) as u64, size_of_val(reference) as u64, SHAPE.workspace_bytes()?];
    // Where each array begins in the pool: multiples of 256 bytes suit every device.
    let mut end = 0u64;
    let at = sizes.map(|size| {
        let place = end;
        end = (place + size).next_multiple_of(256);
        place
    });
    let host = Host::open(adapter, end)?;
    let slice = |i: usize| Slice { buffer: &host.pool, offset: at[i], size: sizes[i] };

    // Once per device: compiles every kernel of the step.
    let plan = PairStep::new(&host.device, &DPO, &Linear::default())?;
    // Once per shape and set of buffers: everything is checked here.
    let source = StepSource::Logits { logits: slice(0), d_logits: slice(1) };
    let buffers = StepBuffers::new(source, slice(2), slice(3), slice(4));
    let recorded = plan.record(&host.device, &SHAPE, &buffers)?;

    // Every step: new contents, the host's own encoder, pass and submission.
    host.queue.write_buffer(&host.pool, at[0], bytemuck::cast_slice(logits));
    host.queue.write_buffer(&host.pool, at[2], bytemuck::cast_slice(labels));
    host.queue.write_buffer(&host.pool, at[3], bytemuck::cast_slice(reference));
    let mut encoder = host.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    recorded.encode(&mut encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default()));
    println!("{} dispatches in one pass, one submission", recorded.len());
    let pool = host.finish(encoder)?;
    let part = |i: usize| pool[(at[i] / 4) as usize..][..(sizes[i] / 4) as usize].to_vec();
    Ok((part(4), part(1)))
}

fn compare(adapter: &wgpu::Adapter) -> Result<bool, Box<dyn Error>> {
    let label = |i: usize| if i % SHAPE.len < 3 { -100 } else { (i * 37 % SHAPE.v) as i32 };
    let (logits, reference) = (noise(ROWS * SHAPE.v, 1), noise(ROWS, 2));
    let labels: Vec<i32> = (0..ROWS).map(label).collect();
    let (workspace, d_logits) = on_gpu(adapter, (&logits, &labels, &reference))?;
    let reference = wide(&reference);
    let batch = Batch {
        labels: &labels,
        rules: SHAPE.labels(),
        pairs: SHAPE.pairs,
        len: SHAPE.len,
        reference: Reference::Token(&reference),
        reduction: SHAPE.reduction,
        extras: Extras::default(),
    };
    let expected = dpo_step(&batch, &wide(&logits), SHAPE.v)?;
    let layout = SHAPE.layout()?;
    let given = &workspace[layout.pair.offset as usize..][..layout.pair.elements() as usize];
    let mut worst_of_all = 0.0f64;
    for (i, name) in pair_rows::PLANES.iter().enumerate() {
        let plane = i * SHAPE.pairs..(i + 1) * SHAPE.pairs;
        let far = worst(&wide(&given[plane.clone()]), &expected.pairs[plane]);
        println!("{name:<16} worst relative difference {far:.1e}");
        worst_of_all = worst_of_all.max(far);
    }
    let far = worst(&wide(&d_logits), &expected.d_logits);
    println!("{:<16} worst relative difference {far:.1e}", "d_logits");
    Ok(worst_of_all.max(far) < 1e-5)
}

fn main() -> ExitCode {
    let instance = wgpu::Instance::default();
    let Ok(adapter) = pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default()))
    else {
        println!("SKIPPED: no GPU adapter on this machine, not even a software one.");
        return ExitCode::SUCCESS;
    };
    println!("On {}, against the CPU reference in f64:", adapter.get_info().name);
    match compare(&adapter) {
        Ok(true) => {
            println!("They agree.");
            return ExitCode::SUCCESS;
        }
        Ok(false) => println!("They DISAGREE: `cargo run --release -- verify` says where."),
        Err(error) => eprintln!("{error}"),
    }
    ExitCode::FAILURE
}
