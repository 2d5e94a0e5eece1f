// Planes of a row of logits and the gradient over its logits, one row per workgroup: the row is read twice, from memory
// and most likely from a cache, and written once.

struct Args {
    n: u32,
    v: u32,
    row_base: u32,
    result_offset: u32,
    result_stride: u32,
    labels_offset: u32,
    seq_len: u32,
    shift: u32,
    ignore_index: u32,
    mask_offset: u32,
    saved_offset: u32,
    saved_stride: u32,
    upstream_offset: u32,
    upstream_stride: u32,
    upstream_mask: u32,
    pad0: u32,
    params: Params,
}

@group(0) @binding(0) var<storage, read> rows: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> planes: array<f32>;
@group(0) @binding(3) var<storage, read_write> result: array<u32>;
@group(0) @binding(4) var<uniform> args: Args;

// What lane 0 knows of the row.
var<workgroup> known: Outcome;

@compute @workgroup_size(ROWS * LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    let row = group.y * groups.x + group.x;
    let inside = row < args.n;
    var label = args.ignore_index;
    if (inside) {
        label = label_of(args.row_base + row);
    }
    let counted = label != args.ignore_index;
    let first = read_base(row);
    let scan = scan_row(counted, first, args.v, lane_of(index));
    if (index == 0u) {
        known = Outcome(row_poison(0.0), 0u);
        if (counted) {
            let x = row_logit(args.params, logit_at(first + min(label, args.v - 1u)));
            known = outcome_of(scan.row, scan.faults, label, x);
        }
        if (inside) {
            write_planes(known, args.saved_offset + args.row_base + row, args.saved_stride);
        }
    }
    // The label's logit has been read before any lane writes over it.
    workgroupBarrier();
    if (inside) {
        var slope = filled_slope(0.0);
        if (counted) {
            slope = slope_from(known.planes, known.status, upstream_of(args.row_base + row), label);
        }
        write_columns(row, slope, 0u, args.v, index);
    }
}

fn put(at: u32, value: f32) {
    planes[at] = value;
}

// Rows share no word here: the host sees to it.
fn slope_of(row: u32) -> Slope {
    return filled_slope(0.0);
}

fn read_base(row: u32) -> u32 {
    return args.result_offset + row * args.result_stride;
}

fn write_base(row: u32) -> u32 {
    return read_base(row);
}
