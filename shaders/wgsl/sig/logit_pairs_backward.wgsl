// The gradient of one row of logits per workgroup, by the policy's or by the reference's, from the planes that the
// forward kernel saved: both rows are read once, one is written.
//
// The operator's file holds the mathematics (`row_gradient`). Rows that are not counted get zeros and are not read.

const LANES = 64u;

struct Args {
    n: u32,
    v: u32,
    row_base: u32,
    logits_offset: u32,
    logits_stride: u32,
    ref_offset: u32,
    ref_stride: u32,
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
    by_reference: u32,
    mask_offset: u32,
    params: Params,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> ref_logits: array<f32>;
@group(0) @binding(2) var<storage, read> rows: array<f32>;
@group(0) @binding(3) var<storage, read> labels: array<u32>;
@group(0) @binding(4) var<storage, read_write> result: array<f32>;
@group(0) @binding(5) var<uniform> args: Args;

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
    let at = args.row_base + row;
    let label = label_of(at);
    if (label == args.ignore_index) {
        fill(row, lane, 0.0);
        return;
    }
    let by_reference = args.by_reference != 0u;
    let up = vec4<f32>(upstream(0u, at), upstream(1u, at), upstream(2u, at), upstream(3u, at));
    let own = vec3<f32>(saved(6u, at), saved(7u, at), saved(8u, at));
    let status = u32(saved(9u, at));
    var fault = status & STATUS_POISON;
    fault |= bw_fault(up.x) | bw_fault(up.y) | bw_fault(up.z) | bw_fault(up.w);
    // The gradient of an infinite divergence.
    if ((status & STATUS_DISJOINT) != 0u && row_gradient_lost(args.params, own, up, by_reference)) {
        fault |= STATUS_DISJOINT;
    }
    if (fault != 0u) {
        fill(row, lane, bw_nan(fault));
        return;
    }
    scan(row, label, up, own, lane, by_reference);
}

fn fill(row: u32, lane: u32, value: f32) {
    let first = args.result_offset + row * args.result_stride;
    for (var j = lane; j < args.v; j += LANES) {
        result[first + j] = value;
    }
}

fn scan(row: u32, label: u32, up: vec4<f32>, own: vec3<f32>, lane: u32, by_reference: bool) {
    let at = args.row_base + row;
    let norms = Norms(saved(2u, at), saved(3u, at), saved(4u, at), saved(5u, at));
    let read = args.logits_offset + row * args.logits_stride;
    let ref_read = args.ref_offset + row * args.ref_stride;
    let write = args.result_offset + row * args.result_stride;
    for (var j = lane; j < args.v; j += LANES) {
        let x = pair_logit(args.params, logit_at(read + j));
        let r = pair_logit(args.params, ref_logit_at(ref_read + j));
        let seen = pair_see(norms, x, r);
        // 1 - p of the label without its cancellation.
        let towards = select(-seen.p, -bw_expm1(seen.log_p), j == label);
        let by_logp = select(up.x * towards, 0.0, by_reference);
        result[write + j] = args.params.scale * (by_logp + row_gradient(args.params, own, up, seen, by_reference));
    }
}
