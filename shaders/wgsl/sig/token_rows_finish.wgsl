// The planes of a row per lane, from the states of its parts.

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
    let label = label_of(args.row_base + row);
    var outcome = Outcome(row_poison(0.0), 0u);
    if (label != args.ignore_index) {
        outcome = merged(args.row_base + row, label);
    }
    write_planes(outcome, args.result_offset + args.row_base + row, args.result_stride);
}

// All parts of a row, the first column first.
fn merged(row: u32, label: u32) -> Outcome {
    var state = row_empty();
    var faults = 0u;
    var x = no_label();
    for (var part = 0u; part < args.parts; part += 1u) {
        let at = args.state_offset + part * args.part_stride + row;
        state = row_merge(state, state_at(at));
        faults |= u32(states[at + 8u * args.state_stride]);
        let found = states[at + 7u * args.state_stride];
        x = select(x, found, has_label(found));
    }
    // A label that no part has is outside the vocabulary, or a shard is missing.
    return outcome_of(state, faults, select(args.v, label, has_label(x)), x);
}

fn state_at(at: u32) -> Row {
    return Row(
        states[at],
        states[at + args.state_stride],
        states[at + 2u * args.state_stride],
        states[at + 3u * args.state_stride],
        states[at + 4u * args.state_stride],
        states[at + 5u * args.state_stride],
        u32(states[at + 6u * args.state_stride]),
    );
}

fn put(at: u32, value: f32) {
    result[at] = value;
}
