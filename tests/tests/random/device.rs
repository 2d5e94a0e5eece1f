//! A kernel of one statement, put together from the texts of the library.

use bellwether_gpu::{Binding, Context, Dialect, Kernel, Recorded, Role, Slice, Source};

/// The pieces in the order of their needs.
pub(super) const LIBRARY: &str = concat!(
    include_str!("../../../shaders/wgsl/lib/bits.wgsl"),
    include_str!("../../../shaders/wgsl/lib/exp.wgsl"),
    include_str!("../../../shaders/wgsl/lib/log.wgsl"),
    include_str!("../../../shaders/wgsl/lib/philox.wgsl"),
    include_str!("../../../shaders/wgsl/lib/noise.wgsl"),
);

const HEAD: &str = "
@group(0) @binding(0) var<storage, read> input: array<u32>;
@group(0) @binding(1) var<storage, read_write> result: array<u32>;
@group(0) @binding(2) var<uniform> args: vec4<u32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = (group.y * groups.x + group.x) * 64u + lane;
    if (i >= args.x) {
        return;
    }
";

/// Runs `body` for each `i` in `0..n`; it reads `input` and writes `per` words of `result` each.
pub(super) fn run(context: &Context, body: &str, input: &[u32], n: u32, per: usize) -> Vec<u32> {
    let source: &'static Source = Box::leak(Box::new(Source {
        op: "random",
        kernel: "test",
        text: String::leak(format!("{LIBRARY}{HEAD}{body}\n}}\n")),
        workgroup: 64,
        rows_per_group: 64,
        bindings: &[
            Binding { name: "input", role: Role::Words },
            Binding { name: "result", role: Role::Result },
            Binding { name: "args", role: Role::Args },
        ],
        args: &[],
    }));
    let kernel = Kernel::new(context.device(), source, Dialect::EXCLUSIVE).unwrap_or_else(|e| panic!("{e}"));
    let input = context.upload_u32(input).expect("room for the input");
    let result = context.poisoned(n as usize * per).expect("room for the result");
    let args = bellwether_gpu::args_buffer(context.device(), &[n, 0, 0, 0]).expect("room for the arguments");
    let buffers = [&input, &result, &args].map(|buffer| Slice::whole(buffer).binding());
    let bound = kernel.bind(context.device(), &buffers, n as usize).expect("the buffers fit");
    context.run_blocking(&Recorded::from(vec![bound])).expect("the kernel runs");
    let written = Slice::whole(&result).part(0, u64::from(n) * per as u64);
    context.download_u32_blocking(written).expect("the result comes back")
}
