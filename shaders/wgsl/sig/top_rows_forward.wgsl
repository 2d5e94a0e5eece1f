// Planes of rows of logits: the largest, their mass and entropy, in one pass over the row.

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
    result_offset: u32,
    result_stride: u32,
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
    let row = (group.y * groups.x + group.x) * ROWS + index / LANES;
    let lane = lane_of(index);
    let inside = row < args.n;
    var label = args.ignore_index;
    if (inside) {
        label = label_of(args.row_base + row);
    }
    let counted = label != args.ignore_index;
    let scan = scan_row(counted, args.logits_offset + row * args.logits_stride, args.v, lane);
    merge_lists(lane);
    if (inside && lane.place == 0u) {
        let at = args.result_offset + args.row_base + row;
        if (counted) {
            write_row(scan.row, status_of(scan.row, scan.faults, label), at, args.result_stride);
        } else {
            write_same(0.0, 0u, at, args.result_stride);
        }
    }
}

fn put(at: u32, value: f32) {
    result[at] = value;
}
