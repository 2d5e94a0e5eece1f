// The state of some columns of a row per workgroup, and the largest of them.

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
    mask_offset: u32,
    column_base: u32,
    parts: u32,
    part_width: u32,
    result_offset: u32,
    result_stride: u32,
    part_stride: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
    pad3: u32,
    params: Params,
}

@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;
@group(0) @binding(3) var<uniform> args: Args;

@compute @workgroup_size(ROWS * LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    let unit = group.y * groups.x + group.x;
    let row = unit / args.parts;
    let part = unit % args.parts;
    let lane = lane_of(index);
    let inside = row < args.n;
    var label = args.ignore_index;
    if (inside) {
        label = label_of(args.row_base + row);
    }
    let begin = min(part * args.part_width, args.v);
    let count = min(args.part_width, args.v - begin);
    let first = args.logits_offset + row * args.logits_stride + begin;
    let scan = scan_row(label != args.ignore_index, first, count, lane);
    merge_lists(lane);
    if (inside && lane.place == 0u) {
        write_state(scan, begin, args.result_offset + part * args.part_stride + args.row_base + row);
    }
}

// `base` columns of the row stand before those of the scan.
fn write_state(scan: Scan, base: u32, at: u32) {
    let stride = args.result_stride;
    result[at] = scan.row.top;
    result[at + stride] = scan.row.rest;
    result[at + 2u * stride] = scan.row.allowed;
    result[at + 3u * stride] = f32(scan.faults);
    let k = list_length();
    for (var rank = 0u; rank < k; rank += 1u) {
        let entry = entries[rank];
        result[at + (4u + rank) * stride] = select(logit_of(entry.key), 0.0, entry.key == 0u);
        result[at + (4u + k + rank) * stride] = f32(select(base + entry.column, NO_COLUMN, entry.key == 0u));
    }
}
