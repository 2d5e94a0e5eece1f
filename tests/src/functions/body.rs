//! A kernel of a few statements around the library.

use bellwether_gpu::{Binding, Context, Dialect, Error, Kernel, Recorded, Role, Slice, Source};

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
///
/// # Errors
/// The device failed, or the text does not compile.
pub fn run(
    context: &Context,
    library: &str,
    body: &str,
    input: &[u32],
    n: u32,
    per: usize,
) -> Result<Vec<u32>, Error> {
    let source: &'static Source = Box::leak(Box::new(Source {
        op: "random",
        kernel: "test",
        text: String::leak(format!("{library}{HEAD}{body}\n}}\n")),
        workgroup: 64,
        rows_per_group: 64,
        bindings: &[
            Binding { name: "input", role: Role::Words },
            Binding { name: "result", role: Role::Result },
            Binding { name: "args", role: Role::Args },
        ],
        args: &[],
    }));
    let kernel = Kernel::new(context.device(), source, Dialect::EXCLUSIVE)?;
    let input = context.upload_u32(input)?;
    let result = context.poisoned(n as usize * per)?;
    let args = bellwether_gpu::args_buffer(context.device(), &[n, 0, 0, 0])?;
    let buffers = [&input, &result, &args].map(|buffer| Slice::whole(buffer).binding());
    let bound = kernel.bind(context.device(), &buffers, n as usize)?;
    context.run_blocking(&Recorded::from(vec![bound]))?;
    context.download_u32_blocking(Slice::whole(&result).part(0, u64::from(n) * per as u64))
}
