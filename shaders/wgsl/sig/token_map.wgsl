// One element per lane: outputs and gradients from the numbers of one token.
//
// The operator's file says how many inputs, constants and outputs it has, and holds `map(params, x, c)`: the outputs of
// an element and the slopes of the first. Here are reading, mask, upstream gradients and the status.

const LANES = 64u;
const MASKED = 1u;
const WEIGHTED = 2u;

struct Args {
    n: u32,
    len: u32,
    result_offset: u32,
    result_stride: u32,
    scale: f32,
    present: u32,
    mask_offset: u32,
    mask_row: u32,
    mask_col: u32,
    upstream_offset: u32,
    upstream_row: u32,
    upstream_col: u32,
    input0_offset: u32,
    input0_row: u32,
    input0_col: u32,
    input1_offset: u32,
    input1_row: u32,
    input1_col: u32,
    input2_offset: u32,
    input2_row: u32,
    input2_col: u32,
    input3_offset: u32,
    input3_row: u32,
    input3_col: u32,
    constant0_offset: u32,
    constant0_row: u32,
    constant0_col: u32,
    constant1_offset: u32,
    constant1_row: u32,
    constant1_col: u32,
    constant2_offset: u32,
    constant2_row: u32,
    constant2_col: u32,
    constant3_offset: u32,
    constant3_row: u32,
    constant3_col: u32,
    params: Params,
}

@group(0) @binding(0) var<storage, read> inputs: array<f32>;
@group(0) @binding(1) var<storage, read> constants: array<f32>;
@group(0) @binding(2) var<storage, read> words: array<u32>;
@group(0) @binding(3) var<storage, read_write> result: array<f32>;
@group(0) @binding(4) var<uniform> args: Args;

// The outputs of an element, and the derivatives of the first by each input.
struct Mapped {
    outputs: vec4<f32>,
    slopes: vec4<f32>,
}

// One output, one input.
fn mapped(output: f32, slope: f32) -> Mapped {
    return Mapped(vec4<f32>(output, 0.0, 0.0, 0.0), vec4<f32>(slope, 0.0, 0.0, 0.0));
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = (group.y * groups.x + group.x) * LANES + lane;
    if (i >= args.n) {
        return;
    }
    let at = vec2<u32>(i / args.len, i % args.len);
    if ((args.present & MASKED) != 0u) {
        if (words[args.mask_offset + at.x * args.mask_row + at.y * args.mask_col] == 0u) {
            fill(i, 0.0, 0u);
            return;
        }
    }
    let x = inputs_at(at);
    let c = constants_at(at);
    var upstream = 1.0;
    if ((args.present & WEIGHTED) != 0u) {
        upstream = constants[args.upstream_offset + at.x * args.upstream_row + at.y * args.upstream_col];
    }
    let status = fault_of(x) | fault_of(c) | bw_fault(upstream);
    if (status != 0u) {
        fill(i, bw_nan(status), status);
        return;
    }
    write(i, map(args.params, x, c), args.scale * upstream);
}

fn inputs_at(at: vec2<u32>) -> vec4<f32> {
    var v = vec4<f32>(0.0);
    if (INPUTS > 0u) {
        v.x = inputs[args.input0_offset + at.x * args.input0_row + at.y * args.input0_col];
    }
    if (INPUTS > 1u) {
        v.y = inputs[args.input1_offset + at.x * args.input1_row + at.y * args.input1_col];
    }
    if (INPUTS > 2u) {
        v.z = inputs[args.input2_offset + at.x * args.input2_row + at.y * args.input2_col];
    }
    if (INPUTS > 3u) {
        v.w = inputs[args.input3_offset + at.x * args.input3_row + at.y * args.input3_col];
    }
    return v;
}

fn constants_at(at: vec2<u32>) -> vec4<f32> {
    var v = vec4<f32>(0.0);
    if (CONSTANTS > 0u) {
        v.x = constants[args.constant0_offset + at.x * args.constant0_row + at.y * args.constant0_col];
    }
    if (CONSTANTS > 1u) {
        v.y = constants[args.constant1_offset + at.x * args.constant1_row + at.y * args.constant1_col];
    }
    if (CONSTANTS > 2u) {
        v.z = constants[args.constant2_offset + at.x * args.constant2_row + at.y * args.constant2_col];
    }
    if (CONSTANTS > 3u) {
        v.w = constants[args.constant3_offset + at.x * args.constant3_row + at.y * args.constant3_col];
    }
    return v;
}

fn fault_of(v: vec4<f32>) -> u32 {
    return bw_fault(v.x) | bw_fault(v.y) | bw_fault(v.z) | bw_fault(v.w);
}

// The same number in every plane, and the status.
fn fill(i: u32, value: f32, status: u32) {
    let at = args.result_offset + i;
    for (var plane = 0u; plane < OUTPUTS + INPUTS; plane += 1u) {
        result[at + plane * args.result_stride] = value;
    }
    result[at + (OUTPUTS + INPUTS) * args.result_stride] = f32(status);
}

// The planes: outputs, gradients, status.
fn write(i: u32, m: Mapped, weight: f32) {
    let at = args.result_offset + i;
    for (var k = 0u; k < OUTPUTS; k += 1u) {
        result[at + k * args.result_stride] = m.outputs[k];
    }
    for (var k = 0u; k < INPUTS; k += 1u) {
        result[at + (OUTPUTS + k) * args.result_stride] = bw_weigh(weight, m.slopes[k]);
    }
    result[at + (OUTPUTS + INPUTS) * args.result_stride] = 0.0;
}
