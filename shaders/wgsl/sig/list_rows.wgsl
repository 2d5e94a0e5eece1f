// One list of items per workgroup: outputs of the list and a gradient per item.
//
// The operator's file says how many inputs, constants and outputs it has, how many items it needs and whether it reads
// ranks. Its `list(params, l)` is called by all lanes at once, with a list that is as long as it says, or empty: it
// gives the outputs, and calls `gradient` once for every input of every item. Here are reading, checks and the status.

const LANES = 64u;
const MOST_ITEMS = 1024u;
const LENGTHS = 1u;
const WEIGHTED = 2u;

struct Args {
    lists: u32,
    items: u32,
    result_offset: u32,
    result_stride: u32,
    scale: f32,
    present: u32,
    length_offset: u32,
    length_stride: u32,
    upstream_offset: u32,
    upstream_stride: u32,
    rank_offset: u32,
    rank_row: u32,
    rank_col: u32,
    input0_offset: u32,
    input0_row: u32,
    input0_col: u32,
    input1_offset: u32,
    input1_row: u32,
    input1_col: u32,
    gradient0_offset: u32,
    gradient0_row: u32,
    gradient1_offset: u32,
    gradient1_row: u32,
    constant0_offset: u32,
    constant0_row: u32,
    constant0_col: u32,
    constant1_offset: u32,
    constant1_row: u32,
    constant1_col: u32,
    constant2_offset: u32,
    constant2_row: u32,
    constant2_col: u32,
    params: Params,
}

@group(0) @binding(0) var<storage, read> inputs: array<f32>;
@group(0) @binding(1) var<storage, read> constants: array<f32>;
@group(0) @binding(2) var<storage, read> words: array<u32>;
@group(0) @binding(3) var<storage, read_write> result: array<f32>;
@group(0) @binding(4) var<uniform> args: Args;

var<workgroup> lane_faults: array<u32, LANES>;

// A list as a lane sees it: its place, how many items count, what the gradients are multiplied by.
struct List {
    row: u32,
    n: u32,
    lane: u32,
    weight: f32,
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = group.y * groups.x + group.x;
    let inside = row < args.lists;
    var given = List(row, 0u, lane, args.scale);
    var faults = 0u;
    if (inside) {
        given.n = length_of(row);
        let upstream = upstream_of(row);
        given.weight = args.scale * upstream;
        faults = bw_fault(upstream) | select(0u, STATUS_DOMAIN, given.n > args.items);
        if (given.n <= args.items) {
            faults |= faults_of(given);
        }
    }
    let status = all_faults(lane, faults) | select(0u, STATUS_EMPTY_SEGMENT, given.n < LEAST);
    let live = inside && status == 0u;
    let outputs = list(args.params, List(row, select(0u, given.n, live), lane, given.weight));
    if (inside) {
        finish(given, outputs, status);
    }
}

fn length_of(row: u32) -> u32 {
    if ((args.present & LENGTHS) == 0u) {
        return args.items;
    }
    return words[args.length_offset + row * args.length_stride];
}

fn upstream_of(row: u32) -> f32 {
    if ((args.present & WEIGHTED) == 0u) {
        return 1.0;
    }
    return constants[args.upstream_offset + row * args.upstream_stride];
}

fn input(l: List, k: u32, i: u32) -> f32 {
    if (k == 0u) {
        return inputs[args.input0_offset + l.row * args.input0_row + i * args.input0_col];
    }
    return inputs[args.input1_offset + l.row * args.input1_row + i * args.input1_col];
}

fn constant(l: List, k: u32, i: u32) -> f32 {
    if (k == 0u) {
        return constants[args.constant0_offset + l.row * args.constant0_row + i * args.constant0_col];
    }
    if (k == 1u) {
        return constants[args.constant1_offset + l.row * args.constant1_row + i * args.constant1_col];
    }
    return constants[args.constant2_offset + l.row * args.constant2_row + i * args.constant2_col];
}

// From 1 for the best.
fn rank(l: List, i: u32) -> u32 {
    return words[args.rank_offset + l.row * args.rank_row + i * args.rank_col];
}

// What is wrong with this lane's items.
fn faults_of(l: List) -> u32 {
    var faults = 0u;
    for (var i = l.lane; i < l.n; i += LANES) {
        for (var k = 0u; k < INPUTS; k += 1u) {
            faults |= bw_fault(input(l, k, i));
        }
        for (var k = 0u; k < CONSTANTS; k += 1u) {
            faults |= bw_fault(constant(l, k, i));
        }
        if (RANKED) {
            faults |= select(STATUS_DOMAIN, 0u, ranks_well(l, i));
        }
    }
    return faults;
}

// Whether the rank of an item is one of the list's, and no earlier item has it.
fn ranks_well(l: List, i: u32) -> bool {
    let own = rank(l, i);
    var tied = false;
    for (var j = 0u; j < i; j += 1u) {
        tied = tied || rank(l, j) == own;
    }
    return own >= 1u && own <= l.n && !tied;
}

// What is wrong with the items of all lanes.
fn all_faults(lane: u32, faults: u32) -> u32 {
    lane_faults[lane] = faults;
    for (var step = 1u; step < LANES; step *= 2u) {
        workgroupBarrier();
        if (lane % (2u * step) == 0u) {
            lane_faults[lane] |= lane_faults[lane + step];
        }
    }
    workgroupBarrier();
    return lane_faults[0];
}

fn gradient_at(row: u32, k: u32, i: u32) -> u32 {
    if (k == 0u) {
        return args.gradient0_offset + row * args.gradient0_row + i;
    }
    return args.gradient1_offset + row * args.gradient1_row + i;
}

// Writes the gradient by input k of item i.
fn gradient(l: List, k: u32, i: u32, slope: f32) {
    result[gradient_at(l.row, k, i)] = bw_weigh(l.weight, slope);
}

// Lane 0 writes the planes; the gradients of what does not count are written by all: NaN in a bad list, else 0.
fn finish(l: List, outputs: vec2<f32>, status: u32) {
    let poisoned = (status & STATUS_POISON) != 0u;
    let rest = select(0.0, bw_nan(status), poisoned);
    let counted = select(0u, l.n, status == 0u);
    for (var k = 0u; k < INPUTS; k += 1u) {
        for (var i = counted + l.lane; i < args.items; i += LANES) {
            result[gradient_at(l.row, k, i)] = rest;
        }
    }
    if (l.lane == 0u) {
        let at = args.result_offset + l.row;
        for (var k = 0u; k < OUTPUTS; k += 1u) {
            result[at + k * args.result_stride] = select(rest, outputs[k], status == 0u);
        }
        result[at + OUTPUTS * args.result_stride] = f32(status);
    }
}
