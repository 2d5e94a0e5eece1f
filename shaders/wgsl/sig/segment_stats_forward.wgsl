// One segment of values per workgroup: a sum over the elements that are kept, as the operator wants it.
//
// The operator's file holds `segment_value`. An element that is not kept is not read. The shape of every sum
// depends on the segment's length alone: 16 terms, those in sequence per lane, lanes as a tree.

const LANES = 64u;
const BLOCK = 16u;

@group(0) @binding(0) var<storage, read> values: array<f32>;
@group(0) @binding(1) var<storage, read> words: array<u32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;
@group(0) @binding(3) var<uniform> args: Args;

var<workgroup> lane_sums: array<f32, LANES>;
var<workgroup> lane_counts: array<u32, LANES>;
var<workgroup> lane_faults: array<u32, LANES>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let s = group.y * groups.x + group.x;
    let inside = s < args.segments;
    // What stands in the lanes beyond the last segment is written nowhere.
    if (inside) {
        scan(segment_at(s), lane);
    }
    for (var step = 1u; step < LANES; step *= 2u) {
        workgroupBarrier();
        if (lane % (2u * step) == 0u) {
            lane_sums[lane] += lane_sums[lane + step];
            lane_counts[lane] += lane_counts[lane + step];
            lane_faults[lane] |= lane_faults[lane + step];
        }
    }
    if (inside && lane == 0u) {
        write(s);
    }
}

fn scan(segment: Segment, lane: u32) {
    var sum = 0.0;
    var count = 0u;
    var faults = 0u;
    for (var base = lane; base < segment.len; base += BLOCK * LANES) {
        var block = 0.0;
        let end = min(segment.len, base + BLOCK * LANES);
        for (var i = base; i < end; i += LANES) {
            if (keeps(segment, i)) {
                let x = values[segment.value + i * args.values_stride];
                faults |= bw_fault(x);
                block += x;
                count += 1u;
            }
        }
        sum += block;
    }
    lane_sums[lane] = sum;
    lane_counts[lane] = count;
    lane_faults[lane] = faults;
}

// Lane 0 writes the planes: value, count, status.
fn write(s: u32) {
    let count = lane_counts[0];
    let faults = lane_faults[0];
    let status = faults | select(0u, STATUS_EMPTY_SEGMENT, count == 0u);
    let poisoned = faults != 0u;
    let value = args.scale * segment_value(lane_sums[0], f32(count));
    let at = args.result_offset + s;
    result[at] = select(value, bw_nan(status), poisoned);
    result[at + args.result_stride] = select(f32(count), bw_nan(status), poisoned);
    result[at + 2u * args.result_stride] = f32(status);
}
