// The gradient of some columns of a row of logits per workgroup, from the planes that the forward kernel saved.
//
// Rows that are not counted get zeros and are not read.

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
    mask_offset: u32,
    column_base: u32,
    parts: u32,
    part_width: u32,
    saved_offset: u32,
    saved_stride: u32,
    upstream_offset: u32,
    upstream_stride: u32,
    upstream_mask: u32,
    result_offset: u32,
    result_stride: u32,
    params: Params,
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let unit = group.y * groups.x + group.x;
    let row = unit / args.parts;
    if (row >= args.n) {
        return;
    }
    let begin = min((unit % args.parts) * args.part_width, args.v);
    write_columns(row, slope_of(row), begin, begin + min(args.part_width, args.v - begin), lane);
}

fn read_base(row: u32) -> u32 {
    return args.logits_offset + row * args.logits_stride;
}

fn write_base(row: u32) -> u32 {
    return args.result_offset + row * args.result_stride;
}
