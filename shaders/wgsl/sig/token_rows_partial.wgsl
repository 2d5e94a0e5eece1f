// The state of some columns of a row per workgroup.

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
    let counted = label != args.ignore_index;
    let begin = min(part * args.part_width, args.v);
    let count = min(args.part_width, args.v - begin);
    let first = args.logits_offset + row * args.logits_stride + begin;
    let scan = scan_row(counted, first, count, lane);
    if (inside && lane.place == 0u) {
        var x = no_label();
        let column = label - args.column_base - begin;
        if (counted && column < count) {
            x = row_logit(args.params, logit_at(first + column));
            // Plus infinity says that the label is elsewhere; the fault is known already.
            x = select(bw_nan(STATUS_INFINITE), x, has_label(x));
        }
        write_state(scan, args.column_base + begin, x, part, args.row_base + row);
    }
}

// `base` columns stand before those of the scan.
fn write_state(scan: Scan, base: u32, x: f32, part: u32, row: u32) {
    let at = args.result_offset + part * args.part_stride + row;
    let state = scan.row;
    result[at] = state.top;
    result[at + args.result_stride] = state.rest;
    result[at + 2u * args.result_stride] = state.moment;
    result[at + 3u * args.result_stride] = state.square;
    result[at + 4u * args.result_stride] = state.half_mean;
    result[at + 5u * args.result_stride] = state.allowed;
    result[at + 6u * args.result_stride] = f32(min(state.first, NO_COLUMN - base) + base);
    result[at + 7u * args.result_stride] = x;
    result[at + 8u * args.result_stride] = f32(scan.faults);
}
