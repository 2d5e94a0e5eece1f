// The gradient of one segment's values per workgroup, from the planes that the forward kernel saved.
//
// The operator's file holds `segment_slope`. The gradient of a value stands in `result` where `values_offset`,
// `segment_stride` and `values_stride` say; that of an element that is not kept is 0.

const LANES = 64u;

@group(0) @binding(0) var<storage, read> rows: array<f32>;
@group(0) @binding(1) var<storage, read> words: array<u32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;
@group(0) @binding(3) var<uniform> args: Args;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let s = group.y * groups.x + group.x;
    if (s >= args.segments) {
        return;
    }
    let segment = segment_at(s);
    let slope = slope_of(s);
    for (var i = lane; i < segment.len; i += LANES) {
        result[segment.value + i * args.values_stride] = select(0.0, slope, keeps(segment, i));
    }
}

// The gradient of every kept element, which is the same for all of a segment. A segment that keeps nothing has none,
// so its upstream gradient is not looked at.
fn slope_of(s: u32) -> f32 {
    let count = rows[args.result_offset + args.result_stride + s];
    let status = u32(rows[args.result_offset + 2u * args.result_stride + s]) & STATUS_POISON;
    let up = rows[args.upstream_offset + s * args.upstream_stride];
    let fault = status | bw_fault(up);
    if (fault != 0u) {
        return bw_nan(fault);
    }
    return (up * args.scale) * segment_slope(count);
}
