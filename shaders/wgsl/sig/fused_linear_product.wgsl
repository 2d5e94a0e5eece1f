// A tile of 16 x 16 elements of c (+)= a b^T per workgroup, each factor with two strides.
//
// Every sum has three levels: 16 terms, 16 of those, and the running sum of these blocks of 256. The running sum
// starts at what `c` holds, so a sum whose terms come in several dispatches has the same bits as in one, as long as
// every dispatch but the last brings a multiple of 256 terms.

const LANES = 256u;
const TILE = 16u;
// One more than TILE, so that a column of the tile lies in different banks of workgroup memory.
const PITCH = 17u;

// The operator has parameters, the product has no use for them; the block has room as every other.
struct Params {
    pad0: u32,
    pad1: u32,
    pad2: u32,
    pad3: u32,
}

struct Args {
    rows: u32,
    cols: u32,
    terms: u32,
    accumulate: u32,
    a_offset: u32,
    a_row: u32,
    a_term: u32,
    b_offset: u32,
    b_row: u32,
    b_term: u32,
    b_mode: u32,
    c_offset: u32,
    c_row: u32,
    bias_offset: u32,
    biased: u32,
    pad0: u32,
    params: Params,
}

@group(0) @binding(1) var<storage, read> b: array<u32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> result: array<f32>;
@group(0) @binding(4) var<uniform> args: Args;

// How b is read.
const B_FINITE = 1u;
const B_ONES = 2u;

var<workgroup> a_tile: array<f32, 272>;
var<workgroup> b_tile: array<f32, 272>;
var<workgroup> tiles_shared: u32;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let g = group.y * groups.x + group.x;
    let across = (args.cols + TILE - 1u) / TILE;
    let row0 = (g / max(across, 1u)) * TILE;
    let col0 = (g % max(across, 1u)) * TILE;
    // The barriers below need a count that is the same for all lanes by proof, whatever memory the arguments lie in.
    if (lane == 0u) {
        tiles_shared = select(0u, (args.terms + TILE - 1u) / TILE, row0 < args.rows);
    }
    let tiles = workgroupUniformLoad(&tiles_shared);

    let row = row0 + lane / TILE;
    let col = col0 + lane % TILE;
    let inside = row < args.rows && col < args.cols;
    let at = args.c_offset + row * args.c_row + col;
    var sum = 0.0;
    if (inside && args.accumulate != 0u) {
        sum = result[at];
    }
    for (var first = 0u; first < tiles; first += TILE) {
        sum += block_of(row0, col0, first, min(TILE, tiles - first), lane);
    }
    if (inside) {
        if (args.biased != 0u) {
            sum += bias[args.bias_offset + col];
        }
        result[at] = sum;
    }
}

// The sum of up to 16 tiles of 16 terms, from tile `first` on. All lanes of the workgroup come here together.
fn block_of(row0: u32, col0: u32, first: u32, count: u32, lane: u32) -> f32 {
    var block = 0.0;
    for (var t = 0u; t < count; t += 1u) {
        fill(row0, col0, (first + t) * TILE, lane);
        workgroupBarrier();
        let at_a = (lane / TILE) * PITCH;
        let at_b = (lane % TILE) * PITCH;
        var tile = 0.0;
        for (var k = 0u; k < TILE; k += 1u) {
            tile += a_tile[at_a + k] * b_tile[at_b + k];
        }
        block += tile;
        workgroupBarrier();
    }
    return block;
}

// Each lane brings one element of either tile, neighbours in memory by neighbouring lanes; 0 beyond the edges.
fn fill(row0: u32, col0: u32, first: u32, lane: u32) {
    let slow = lane / TILE;
    let fast = lane % TILE;
    let a_turned = args.a_row < args.a_term;
    let a_row = select(slow, fast, a_turned);
    let a_term = select(fast, slow, a_turned);
    var x = 0.0;
    if (row0 + a_row < args.rows && first + a_term < args.terms) {
        x = a_at(args.a_offset + (row0 + a_row) * args.a_row + (first + a_term) * args.a_term);
    }
    a_tile[a_row * PITCH + a_term] = x;

    let b_turned = args.b_row < args.b_term;
    let b_row = select(slow, fast, b_turned);
    let b_term = select(fast, slow, b_turned);
    var y = 0.0;
    if (col0 + b_row < args.cols && first + b_term < args.terms) {
        y = b_at(args.b_offset + (col0 + b_row) * args.b_row + (first + b_term) * args.b_term);
    }
    b_tile[b_row * PITCH + b_term] = y;
}

fn b_at(i: u32) -> f32 {
    if (args.b_mode == B_ONES) {
        return 1.0;
    }
    let y = bw_unpack(b[bw_word(i)], i);
    return select(y, 0.0, args.b_mode == B_FINITE && !bw_is_finite(y));
}
