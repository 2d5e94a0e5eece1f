// The gradient of one row of logits per workgroup, from the planes that the forward kernel saved.
//
// The operator's file holds the mathematics (`row_gradient`). Rows that are not counted get zeros and are not read.

const LANES = 64u;

struct Args {
    n: u32,
    v: u32,
    row_base: u32,
    logits_offset: u32,
    logits_stride: u32,
    labels_offset: u32,
    seq_len: u32,
    shift: u32,
    ignore_index: u32,
    saved_offset: u32,
    saved_stride: u32,
    upstream_offset: u32,
    upstream_stride: u32,
    upstream_mask: u32,
    result_offset: u32,
    result_stride: u32,
    params: Params,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> rows: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read_write> result: array<f32>;
@group(0) @binding(4) var<uniform> args: Args;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = group.y * groups.x + group.x;
    if (row >= args.n) {
        return;
    }
    let label = label_of(args.row_base + row);
    if (label == args.ignore_index) {
        fill(row, lane, 0.0);
        return;
    }
    let up = RowUpstream(
        upstream(0u, args.row_base + row),
        upstream(1u, args.row_base + row),
        upstream(2u, args.row_base + row),
    );
    let status = u32(saved(5u, args.row_base + row)) & STATUS_POISON;
    let fault = status | bw_fault(up.logp) | bw_fault(up.lse) | bw_fault(up.entropy);
    if (fault != 0u) {
        fill(row, lane, bw_nan(fault));
        return;
    }
    scan(row, label, up, lane);
}

fn saved(plane: u32, row: u32) -> f32 {
    return rows[args.saved_offset + plane * args.saved_stride + row];
}

// An upstream gradient; 0 where the plane is absent, which is then not read.
fn upstream(plane: u32, row: u32) -> f32 {
    if ((args.upstream_mask & (1u << plane)) == 0u) {
        return 0.0;
    }
    return rows[args.upstream_offset + plane * args.upstream_stride + row];
}

fn fill(row: u32, lane: u32, value: f32) {
    let first = args.result_offset + row * args.result_stride;
    for (var j = lane; j < args.v; j += LANES) {
        result[first + j] = value;
    }
}

fn scan(row: u32, label: u32, up: RowUpstream, lane: u32) {
    let planes = RowPlanes(
        saved(0u, args.row_base + row),
        saved(1u, args.row_base + row),
        saved(2u, args.row_base + row),
        saved(3u, args.row_base + row),
        saved(4u, args.row_base + row),
    );
    let read = args.logits_offset + row * args.logits_stride;
    let write = args.result_offset + row * args.result_stride;
    for (var j = lane; j < args.v; j += LANES) {
        let x = row_logit(args.params, logits[read + j]);
        let banned = bw_is_minus_infinity(x);
        result[write + j] = row_gradient(args.params, planes, up, x, banned, j == label);
    }
}
