// The planes of a row per lane, from the states and the lists of its parts.

const LANES = 64u;

struct Args {
    n: u32,
    v: u32,
    row_base: u32,
    labels_offset: u32,
    seq_len: u32,
    shift: u32,
    ignore_index: u32,
    mask_offset: u32,
    parts: u32,
    state_offset: u32,
    state_stride: u32,
    part_stride: u32,
    result_offset: u32,
    result_stride: u32,
    pad0: u32,
    pad1: u32,
    params: Params,
}

@group(0) @binding(0) var<storage, read> states: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;
@group(0) @binding(3) var<uniform> args: Args;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = (group.y * groups.x + group.x) * LANES + lane;
    if (row >= args.n) {
        return;
    }
    let at = args.result_offset + args.row_base + row;
    let label = label_of(args.row_base + row);
    if (label == args.ignore_index) {
        write_same(0.0, 0u, at, args.result_stride);
        return;
    }
    merge_parts(args.row_base + row, label, at);
}

// All parts of a row, the first column first, so that of equal logits the first column is offered first.
fn merge_parts(row: u32, label: u32, to: u32) {
    let k = list_length();
    let stride = args.state_stride;
    var state = row_empty();
    var faults = 0u;
    for (var part = 0u; part < args.parts; part += 1u) {
        let at = args.state_offset + part * args.part_stride + row;
        state = row_merge(state, Row(states[at], states[at + stride], 0.0, 0.0, 0.0, states[at + 2u * stride], 0u));
        faults |= u32(states[at + 3u * stride]);
        for (var rank = 0u; rank < k; rank += 1u) {
            let column = u32(states[at + (4u + k + rank) * stride]);
            if (column < NO_COLUMN) {
                offer(Entry(key_of(states[at + (4u + rank) * stride]), column), k);
            }
        }
    }
    write_row(state, status_of(state, faults, label), to, args.result_stride);
}

fn put(at: u32, value: f32) {
    result[at] = value;
}
