//! The kernels' own functions on a device: one call of `shaders/wgsl/lib` per element.

use bellwether_gpu::{Context, Error, Slice, wgpu};

use super::{Args, Function, Worst};

/// The library, each file once, in the order of their needs.
pub const LIBRARY: &str = concat!(
    include_str!("../../../shaders/wgsl/lib/bits.wgsl"),
    include_str!("../../../shaders/wgsl/lib/exp.wgsl"),
    include_str!("../../../shaders/wgsl/lib/log.wgsl"),
    include_str!("../../../shaders/wgsl/lib/sigmoid.wgsl"),
    include_str!("../../../shaders/wgsl/lib/softplus.wgsl"),
    include_str!("../../../shaders/wgsl/lib/log1mexp.wgsl"),
    include_str!("../../../shaders/wgsl/lib/tanh.wgsl"),
    include_str!("../../../shaders/wgsl/lib/xlogy.wgsl"),
    include_str!("../../../shaders/wgsl/lib/expm1m.wgsl"),
    include_str!("../../../shaders/wgsl/lib/logsumexp.wgsl"),
    include_str!("../../../shaders/wgsl/lib/philox.wgsl"),
    include_str!("../../../shaders/wgsl/lib/noise.wgsl"),
);

/// Units that a device is granted where no bound is derived for it; software drivers stay below.
pub const GOAL: f64 = 3.0;

/// Drivers, by a part of their description, and functions that they compute bit for bit as the twin: nothing in these
/// can be reassociated, or this version does not.
const SAME_BITS: [(&str, &[&str]); 3] = [
    ("llvmpipe", &["log", "log1p"]),
    ("llvmpipe Mesa 22.3", &REASSOCIATION_PROOF),
    ("SwiftShader", &SWIFTSHADER),
];

/// All but `sigmoid`, where one quotient that should be subnormal becomes the smallest normal number.
const SWIFTSHADER: [&str; 12] = [
    "exp",
    "expm1",
    "expm1m",
    "log",
    "log1p",
    "log1mexp",
    "log_sigmoid",
    "softplus",
    "tanh",
    "xlogy",
    "logaddexp",
    "lse_merge",
];

/// Drivers that round to nearest, by a part of their description; for others, WGSL's rules are all there is.
const NEAREST: [&str; 2] = ["llvmpipe", "SwiftShader"];

/// Those whose sums no known compiler reassociates: all but the merge.
const REASSOCIATION_PROOF: [&str; 12] = [
    "exp",
    "expm1",
    "expm1m",
    "log",
    "log1p",
    "log1mexp",
    "sigmoid",
    "log_sigmoid",
    "softplus",
    "tanh",
    "xlogy",
    "logaddexp",
];

/// Calls the function on each element; folded into two directions.
const KERNEL: &str = "
@group(0) @binding(0) var<storage, read> points: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> results: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let i = id.y * (groups.x * 64u) + id.x;
    if (i < arrayLength(&results)) {
        let v = points[i];
        results[i] = CALL;
    }
}
";

/// A kernel that is one function.
pub struct Probe<'c> {
    context: &'c Context,
    pipeline: wgpu::ComputePipeline,
}

/// What a device did, beside what it should have done.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Against the true values.
    pub worst: Worst,
    /// Results whose bits are not the twin's, those flushed to 0 aside.
    pub differ: u64,
    /// Results that are 0 where the true value is subnormal: WGSL lets a device flush them. They are right, and judged
    /// no further.
    pub flushed: u64,
}

impl Seen {
    /// What is wrong with a function's results on this device, by its description.
    pub fn complaint(&self, device: &str, function: &Function) -> Option<String> {
        let (name, Worst { units, args, fault, .. }) = (function.bound.name, self.worst);
        let known =
            |(driver, functions): &(&str, &[&str])| device.contains(driver) && functions.contains(&name);
        if SAME_BITS.iter().any(known) && self.differ > 0 {
            return Some(format!("{name}: {} results differ from the twin", self.differ));
        }
        if device.contains("llvmpipe") && self.flushed > 0 {
            return Some(format!(
                "{name}: {} results are flushed, and llvmpipe keeps subnormals",
                self.flushed
            ));
        }
        let nearest = NEAREST.iter().any(|driver| device.contains(driver));
        let granted = if nearest { GOAL } else { function.bound.derived };
        (units > granted || fault.is_some())
            .then(|| format!("{name}: {units:.4} units at {args:?}, fault {fault:?}"))
    }
}

impl<'c> Probe<'c> {
    /// The kernel of a function.
    pub fn new(context: &'c Context, function: &Function) -> Self {
        Self::with_call(context, function.call)
    }

    /// The kernel of any expression of `v`.
    pub fn with_call(context: &'c Context, call: &str) -> Self {
        Self::with_library(context, LIBRARY, call)
    }

    /// The same from another text of the library.
    pub fn with_library(context: &'c Context, library: &str, call: &str) -> Self {
        let text = format!("{library}{}", KERNEL.replace("CALL", call));
        let device = context.device();
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: None,
            source: wgpu::ShaderSource::Wgsl(text.into()),
        });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: None,
            layout: None,
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            cache: None,
        });
        Self { context, pipeline }
    }

    /// The results on some points.
    ///
    /// # Errors
    /// The device failed.
    pub fn run(&self, points: &[Args<f32>]) -> Result<Vec<f32>, Error> {
        let (context, device) = (self.context, self.context.device());
        let inputs = context.upload_f32(points.as_flattened())?;
        let results = context.poisoned(points.len())?;
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &self.pipeline.get_bind_group_layout(0),
            entries: &[entry(0, &inputs), entry(1, &results)],
        });
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            pass.set_pipeline(&self.pipeline);
            pass.set_bind_group(0, &group, &[]);
            let groups = points.len().div_ceil(64) as u32;
            pass.dispatch_workgroups(groups.min(1024), groups.div_ceil(1024), 1);
        }
        context.queue().submit([encoder.finish()]);
        context.download_f32_blocking(Slice { buffer: &results, offset: 0, size: 4 * points.len() as u64 })
    }

    /// The results on some points, held to the truth and to the twin.
    ///
    /// # Errors
    /// The device failed.
    pub fn judge(&self, function: &Function, points: &[Args<f32>]) -> Result<Seen, Error> {
        let mut seen = Seen { worst: Worst::default(), differ: 0, flushed: 0 };
        for (&args, got) in points.iter().zip(self.run(points)?) {
            let (twin, truth) = ((function.twin)(args), (function.truth)(args.map(f64::from)));
            if got == 0.0 && twin != 0.0 && truth.value.abs() < f64::from(f32::MIN_POSITIVE) {
                seen.flushed += 1;
                continue;
            }
            seen.differ += u64::from(got.to_bits() != twin.to_bits() && !(got.is_nan() && twin.is_nan()));
            seen.worst.see(args, got, truth);
        }
        Ok(seen)
    }
}

/// The points for a device: some 2^18 f32 over all patterns, or every fourth point of the grid.
pub fn points(function: &Function) -> Vec<Args<f32>> {
    if function.arity > 1 {
        return super::grid::points(function).into_iter().step_by(4).collect();
    }
    let all = (0..super::sweep::ALL).step_by(16_411).map(|bits| f32::from_bits(bits as u32));
    all.filter(|x| x.is_finite()).chain([function.bound.worst[0]]).map(|x| [x, 0.0, 0.0, 0.0]).collect()
}

fn entry(binding: u32, buffer: &wgpu::Buffer) -> wgpu::BindGroupEntry<'_> {
    wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() }
}
