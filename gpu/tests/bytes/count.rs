//! Counts what a recorded list reads and writes: the same texts, with a counter behind every index of a binding.

use bellwether_gpu::{Bound, Context, Recorded, Slice, Source, wgpu};

/// Elements of one binding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) read: u32,
    pub(crate) written: u32,
}

const COUNTER: &str = "
@group(1) @binding(0) var<storage, read_write> bw_counts: array<atomic<u32>>;

fn bw_seen(counter: u32, i: u32) -> u32 {
    atomicAdd(&bw_counts[counter], 1u);
    return i;
}
";

/// Where the bracket that opens at `open` closes.
fn closing(text: &str, open: usize) -> usize {
    let mut depth = 0;
    for (at, c) in text[open..].char_indices() {
        depth += i32::from(c == '[') - i32::from(c == ']');
        if depth == 0 {
            return open + at;
        }
    }
    panic!("a bracket is not closed");
}

/// The text with every index of `name` counted: by counter `2 k` where it is read, `2 k + 1` where it is written.
fn counted(text: &str, name: &str, k: usize) -> String {
    let (mut out, mut rest) = (String::new(), text);
    let opening = format!("{name}[");
    while let Some(at) = rest.find(&opening) {
        let (before, open) = (rest[..at].chars().next_back(), at + name.len());
        let part_of_a_name = before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.');
        if part_of_a_name {
            out.push_str(&rest[..=open]);
            rest = &rest[open + 1..];
            continue;
        }
        let close = closing(rest, open);
        let behind = rest[close + 1..].trim_start();
        let written = behind.starts_with('=') && !behind.starts_with("==");
        let inner = counted(&rest[open + 1..close], name, k);
        let counter = 2 * k + usize::from(written);
        out.push_str(&format!("{}{name}[bw_seen({counter}u, {inner})]", &rest[..at]));
        rest = &rest[close + 1..];
    }
    out + rest
}

/// The whole text of a dispatch, counted.
fn instrumented(call: &Bound) -> String {
    let (source, dialect) = call.text_of();
    let arrays = source.bindings.iter().take(source.bindings.len() - 1).enumerate();
    let text = arrays.fold(source.in_dialect(dialect), |text, (k, binding)| counted(&text, binding.name, k));
    text + COUNTER
}

fn pipeline(device: &wgpu::Device, text: String) -> wgpu::ComputePipeline {
    let source = wgpu::ShaderSource::Wgsl(text.into());
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor { label: None, source });
    device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: None,
        layout: None,
        module: &module,
        entry_point: Some("main"),
        compilation_options: wgpu::PipelineCompilationOptions::default(),
        cache: None,
    })
}

fn group<'b>(
    device: &wgpu::Device,
    pipeline: &wgpu::ComputePipeline,
    index: u32,
    bindings: impl Iterator<Item = wgpu::BufferBinding<'b>>,
) -> wgpu::BindGroup {
    let entries: Vec<_> = (0u32..)
        .zip(bindings)
        .map(|(binding, given)| wgpu::BindGroupEntry {
            binding,
            resource: wgpu::BindingResource::Buffer(given),
        })
        .collect();
    let layout = &pipeline.get_bind_group_layout(index);
    device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries: &entries })
}

/// Runs a list and counts, by the name of the binding, the elements (words, where two stand in one) that it touches.
pub(crate) fn count(context: &Context, recorded: &Recorded) -> Vec<(&'static str, Count)> {
    let device = context.device();
    let mut total: Vec<(&'static str, Count)> = Vec::new();
    for call in recorded.calls() {
        let counters = context.upload_u32(&[0; 16]).expect("a small buffer");
        let pipeline = pipeline(device, instrumented(call));
        let ranges = call.ranges().iter().map(|(buffer, bytes)| wgpu::BufferBinding {
            buffer,
            offset: bytes.start,
            size: wgpu::BufferSize::new(bytes.end - bytes.start),
        });
        let groups = [
            group(device, &pipeline, 0, ranges),
            group(device, &pipeline, 1, std::iter::once(Slice::whole(&counters).binding())),
        ];
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        pass.set_pipeline(&pipeline);
        (0u32..).zip(&groups).for_each(|(i, group)| pass.set_bind_group(i, group, &[]));
        let [x, y, z] = call.groups();
        pass.dispatch_workgroups(x, y, z);
        drop(pass);
        context.queue().submit([encoder.finish()]);
        let counts = context.download_u32_blocking(Slice::whole(&counters)).expect("the device answers");
        let (source, _): (&'static Source, _) = call.text_of();
        for (binding, pair) in
            source.bindings.iter().zip(counts.chunks_exact(2)).take(source.bindings.len() - 1)
        {
            let seen = Count { read: pair[0], written: pair[1] };
            match total.iter_mut().find(|(name, _)| *name == binding.name) {
                Some((_, sum)) => {
                    (sum.read, sum.written) = (sum.read + seen.read, sum.written + seen.written);
                }
                None => total.push((binding.name, seen)),
            }
        }
    }
    total
}
