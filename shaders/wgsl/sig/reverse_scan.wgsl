// One row per workgroup: x_t = a_t + b_t x_{t+1}, from the last tile of the row to the first, and back for gradients.
//
// The operator's file says how many inputs, constants and outputs it has, and holds three functions of a step: `pair`
// (a and b), `finish` (the outputs, and the slopes of the first) and `slopes` (of a + b x_{t+1}). Here are reading,
// masks and lengths, the scans and the status. A tile is cut at multiples of TILE, whatever the row's length is.

const LANES = 64u;
// Steps of a tile that a lane takes, one behind another.
const EACH = 8u;
const TILE = 512u;
const MASKED = 1u;
const WEIGHTED = 2u;
const LENGTHS = 4u;
const GRADIENTS = 8u;
const ABSENT = 16u;

struct Args {
    rows: u32,
    len: u32,
    extent_offset: u32,
    present: u32,
    result_offset: u32,
    result_stride: u32,
    result_row: u32,
    result_col: u32,
    scale: f32,
    mask_offset: u32,
    mask_row: u32,
    mask_col: u32,
    upstream_offset: u32,
    upstream_row: u32,
    upstream_col: u32,
    input0_offset: u32,
    input0_row: u32,
    input0_col: u32,
    input1_offset: u32,
    input1_row: u32,
    input1_col: u32,
    input2_offset: u32,
    input2_row: u32,
    input2_col: u32,
    input3_offset: u32,
    input3_row: u32,
    input3_col: u32,
    input4_offset: u32,
    input4_row: u32,
    input4_col: u32,
    constant0_offset: u32,
    constant0_row: u32,
    constant0_col: u32,
    constant1_offset: u32,
    constant1_row: u32,
    constant1_col: u32,
    constant2_offset: u32,
    constant2_row: u32,
    constant2_col: u32,
    pad0: u32,
    params: Params,
}

@group(0) @binding(0) var<storage, read> inputs: array<f32>;
@group(0) @binding(1) var<storage, read> constants: array<f32>;
@group(0) @binding(2) var<storage, read> words: array<u32>;
@group(0) @binding(3) var<storage, read_write> result: array<f32>;
@group(0) @binding(4) var<uniform> args: Args;

// What a step reads: inputs, constants, and whether none counts behind it.
struct Step {
    x: array<f32, 5>,
    c: vec3<f32>,
    last: bool,
}

// Outputs of a step; the derivatives of the first by x_t and by each input.
struct Finished {
    outputs: vec4<f32>,
    by_state: f32,
    slopes: array<f32, 5>,
}

// Where a row stands: row and first column of the views, its steps, those within its length, where its result begins.
struct Row {
    row: u32,
    first: u32,
    len: u32,
    held: u32,
    place: u32,
}

var<workgroup> pairs: array<vec2<f32>, 64>;
var<workgroup> counts: array<u32, 64>;
// What decides where lanes meet, for barriers want it the same in all of them, and a host may give arguments in memory that
// could change: a packed row's first step and the next row's, or 0 and a padded row's length; `len`; `present`.
var<workgroup> extent: vec4<u32>;

// The first output is x_t, and depends on the inputs through it alone.
fn state_and(state: vec2<f32>, second: f32) -> Finished {
    return Finished(vec4<f32>(state.x, second, 0.0, 0.0), 1.0, array<f32, 5>());
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let r = group.y * groups.x + group.x;
    let known = extent_of(r, lane);
    if ((known.w & ABSENT) != 0u) {
        return;
    }
    let row = row_at(r, known);
    var end = row.held;
    if ((known.w & MASKED) != 0u) {
        end = end_of(row, lane);
    }
    let tiles = (select(known.z, known.y - known.x, known.z == 0u) + TILE - 1u) / TILE;
    // A length beyond the row.
    var status = select(0u, STATUS_DOMAIN, known.z != 0u && known.y > known.z);
    var carry = 0.0;
    for (var tile = tiles; tile > 0u; tile -= 1u) {
        let first = (tile - 1u) * TILE + lane * EACH;
        let all = behind(lane, composed(row, first, end));
        let incoming = all.y * carry + all.x;
        status |= write_outputs(row, first, end, incoming);
        carry = whole(carry);
    }
    status = any_of(lane, status);
    if (status != 0u) {
        for (var tile = 0u; tile < tiles; tile += 1u) {
            poison(row, tile * TILE + lane * EACH, status);
        }
    } else if ((known.w & GRADIENTS) != 0u) {
        carry = 0.0;
        for (var tile = 0u; tile < tiles; tile += 1u) {
            let first = tile * TILE + lane * EACH;
            let all = before(lane, owed(row, first, end));
            write_gradients(row, first, end, all.y * carry + all.x);
            carry = whole_before(carry);
        }
    }
}

fn extent_of(r: u32, lane: u32) -> vec4<u32> {
    if (lane == 0u) {
        var own = vec4<u32>(0u, args.len, args.len, args.present);
        if (r >= args.rows) {
            own.w = ABSENT;
        } else if (args.len == 0u) {
            own.x = words[args.extent_offset + r];
            own.y = words[args.extent_offset + r + 1u];
        } else if ((args.present & LENGTHS) != 0u) {
            own.y = words[args.extent_offset + r];
        }
        extent = own;
    }
    return workgroupUniformLoad(&extent);
}

fn row_at(r: u32, known: vec4<u32>) -> Row {
    if (known.z == 0u) {
        let len = known.y - known.x;
        return Row(0u, known.x, len, len, args.result_offset + known.x);
    }
    return Row(r, 0u, args.len, min(known.y, args.len), args.result_offset + r * args.result_row);
}

fn counts_at(row: Row, t: u32) -> bool {
    if (t >= row.held) {
        return false;
    }
    if ((args.present & MASKED) != 0u) {
        return words[args.mask_offset + row.row * args.mask_row + (row.first + t) * args.mask_col] != 0u;
    }
    return true;
}

// One more than the last step that counts.
fn end_of(row: Row, lane: u32) -> u32 {
    var end = 0u;
    for (var t = lane; t < row.held; t += LANES) {
        if (counts_at(row, t)) {
            end = t + 1u;
        }
    }
    counts[lane] = end;
    workgroupBarrier();
    for (var step = 1u; step < LANES; step *= 2u) {
        var other = 0u;
        if (lane + step < LANES) {
            other = counts[lane + step];
        }
        workgroupBarrier();
        counts[lane] = max(counts[lane], other);
        workgroupBarrier();
    }
    return workgroupUniformLoad(&counts[0]);
}

fn step_at(row: Row, t: u32, end: u32) -> Step {
    let at = vec2<u32>(row.row, row.first + t);
    return Step(inputs_at(at), constants_at(at), t + 1u == end);
}

// The lane's steps as one pair.
fn composed(row: Row, first: u32, end: u32) -> vec2<f32> {
    var own = vec2<f32>(0.0, 1.0);
    for (var k = EACH; k > 0u; k -= 1u) {
        if (counts_at(row, first + k - 1u)) {
            own = after(pair(args.params, step_at(row, first + k - 1u, end)), own);
        }
    }
    return own;
}

// Outputs and status of the lane's steps, and x_{t+1} where the first gradient will stand; gives what is wrong.
fn write_outputs(row: Row, first: u32, end: u32, incoming: f32) -> u32 {
    var x = incoming;
    var status = 0u;
    for (var k = EACH; k > 0u; k -= 1u) {
        let t = first + k - 1u;
        if (t < row.len) {
            if (counts_at(row, t)) {
                let s = step_at(row, t, end);
                let ab = pair(args.params, s);
                let next = x;
                x = ab.x + ab.y * next;
                status |= fault_of(s) | bw_fault(upstream_at(row, t));
                write(row, t, finish(args.params, s, vec2<f32>(x, next)).outputs, next);
            } else {
                fill(row, t, 0.0, 0u);
            }
        }
    }
    return status;
}

// What is owed to the x behind the lane's steps, as a pair of what is owed to that before them.
fn owed(row: Row, first: u32, end: u32) -> vec2<f32> {
    var own = vec2<f32>(0.0, 1.0);
    for (var k = 0u; k < EACH; k += 1u) {
        let t = first + k;
        if (counts_at(row, t)) {
            let s = step_at(row, t, end);
            let ab = pair(args.params, s);
            let done = finish(args.params, s, state_at(row, t, ab));
            let weight = args.scale * upstream_at(row, t);
            own = after(vec2<f32>(ab.y * bw_weigh(weight, done.by_state), ab.y), own);
        }
    }
    return own;
}

// x_t and x_{t+1}, which the first pass left where the first gradient will stand.
fn state_at(row: Row, t: u32, ab: vec2<f32>) -> vec2<f32> {
    let next = result[row.place + t * args.result_col + OUTPUTS * args.result_stride];
    return vec2<f32>(ab.x + ab.y * next, next);
}

fn write_gradients(row: Row, first: u32, end: u32, incoming: f32) {
    var owing = incoming;
    for (var k = 0u; k < EACH; k += 1u) {
        let t = first + k;
        if (counts_at(row, t)) {
            let s = step_at(row, t, end);
            let ab = pair(args.params, s);
            let state = state_at(row, t, ab);
            let done = finish(args.params, s, state);
            let weight = args.scale * upstream_at(row, t);
            owing += bw_weigh(weight, done.by_state);
            var direct = done.slopes;
            var through = slopes(args.params, s, state.y);
            for (var j = 0u; j < INPUTS; j += 1u) {
                let at = row.place + t * args.result_col + (OUTPUTS + j) * args.result_stride;
                result[at] = bw_weigh(weight, direct[j]) + bw_weigh(owing, through[j]);
            }
            owing *= ab.y;
        }
    }
}
