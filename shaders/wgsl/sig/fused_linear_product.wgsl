// A tile of 64 x 64 elements of c (+)= a b^T per workgroup, 4 x 4 per lane, each factor with two strides.
//
// Every sum has three levels: 16 terms, 16 of those, and the running sum of these blocks of 256. The running sum
// starts at what `c` holds, so a sum whose terms come in several dispatches has the same bits as in one, as long as
// every dispatch but the last brings a multiple of 256 terms.

const LANES = 256u;
// Terms of a tile in workgroup memory. A lane has rows and columns that are as far apart.
const TILE = 16u;
// Rows and columns of c.
const SIDE = 64u;
// One more than SIDE, so that the terms of a row lie in different banks of workgroup memory.
const PITCH = 65u;

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

var<workgroup> a_tile: array<f32, 1040>;
var<workgroup> b_tile: array<f32, 1040>;
var<workgroup> tiles_shared: u32;

// A lane's elements of c: a row each, and in it four columns.
struct Cells {
    x: vec4<f32>,
    y: vec4<f32>,
    z: vec4<f32>,
    w: vec4<f32>,
}

fn cells_zero() -> Cells {
    return Cells(vec4<f32>(0.0), vec4<f32>(0.0), vec4<f32>(0.0), vec4<f32>(0.0));
}

fn cells_sum(a: Cells, b: Cells) -> Cells {
    return Cells(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w);
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let g = group.y * groups.x + group.x;
    let across = (args.cols + SIDE - 1u) / SIDE;
    let row0 = (g / max(across, 1u)) * SIDE;
    let col0 = (g % max(across, 1u)) * SIDE;
    // The barriers below need a count that is the same for all lanes by proof, whatever memory the arguments lie in.
    if (lane == 0u) {
        tiles_shared = select(0u, (args.terms + TILE - 1u) / TILE, row0 < args.rows);
    }
    let tiles = workgroupUniformLoad(&tiles_shared);

    let row = row0 + lane / TILE;
    let col = col0 + lane % TILE;
    var sum = cells_zero();
    if (args.accumulate != 0u) {
        sum = Cells(held(row, col), held(row + TILE, col), held(row + 2u * TILE, col), held(row + 3u * TILE, col));
    }
    for (var first = 0u; first < tiles; first += TILE) {
        sum = cells_sum(sum, block_of(row0, col0, first, min(TILE, tiles - first), lane));
    }
    write(row, col, sum.x);
    write(row + TILE, col, sum.y);
    write(row + 2u * TILE, col, sum.z);
    write(row + 3u * TILE, col, sum.w);
}

fn inside(row: u32, col: u32) -> bool {
    return row < args.rows && col < args.cols;
}

fn place(row: u32, col: u32) -> u32 {
    return args.c_offset + row * args.c_row + col;
}

// What c holds in four columns of a row.
fn held(row: u32, col: u32) -> vec4<f32> {
    var sum = vec4<f32>(0.0);
    for (var i = 0u; i < 4u; i += 1u) {
        if (inside(row, col + i * TILE)) {
            sum[i] = result[place(row, col + i * TILE)];
        }
    }
    return sum;
}

fn write(row: u32, col: u32, sum: vec4<f32>) {
    for (var i = 0u; i < 4u; i += 1u) {
        let at = col + i * TILE;
        if (inside(row, at)) {
            var whole = sum[i];
            if (args.biased != 0u) {
                whole += bias[args.bias_offset + at];
            }
            result[place(row, at)] = whole;
        }
    }
}

// The sums of up to 16 tiles of 16 terms, from tile `first` on. All lanes of the workgroup come here together.
fn block_of(row0: u32, col0: u32, first: u32, count: u32, lane: u32) -> Cells {
    var block = cells_zero();
    for (var t = 0u; t < count; t += 1u) {
        fill(row0, col0, (first + t) * TILE, lane);
        workgroupBarrier();
        var tile = cells_zero();
        for (var k = 0u; k < TILE; k += 1u) {
            let i = k * PITCH + lane / TILE;
            let j = k * PITCH + lane % TILE;
            let y = vec4<f32>(b_tile[j], b_tile[j + TILE], b_tile[j + 2u * TILE], b_tile[j + 3u * TILE]);
            tile.x += a_tile[i] * y;
            tile.y += a_tile[i + TILE] * y;
            tile.z += a_tile[i + 2u * TILE] * y;
            tile.w += a_tile[i + 3u * TILE] * y;
        }
        block = cells_sum(block, tile);
        workgroupBarrier();
    }
    return block;
}

// Where element i of a tile stands: its row and its term. Neighbours in memory are brought by neighbouring lanes.
fn spot(i: u32, turned: bool) -> vec2<u32> {
    return select(vec2<u32>(i / TILE, i % TILE), vec2<u32>(i % SIDE, i / SIDE), turned);
}

// Each lane brings four elements of either tile; 0 beyond the edges.
fn fill(row0: u32, col0: u32, first: u32, lane: u32) {
    let a_turned = args.a_row < args.a_term;
    let b_turned = args.b_row < args.b_term;
    for (var i = lane; i < SIDE * TILE; i += LANES) {
        let s = spot(i, a_turned);
        var x = 0.0;
        if (row0 + s.x < args.rows && first + s.y < args.terms) {
            x = a_at(args.a_offset + (row0 + s.x) * args.a_row + (first + s.y) * args.a_term);
        }
        a_tile[s.y * PITCH + s.x] = x;
        let t = spot(i, b_turned);
        var y = 0.0;
        if (col0 + t.x < args.cols && first + t.y < args.terms) {
            y = b_at(args.b_offset + (col0 + t.x) * args.b_row + (first + t.y) * args.b_term);
        }
        b_tile[t.y * PITCH + t.x] = y;
    }
}

fn b_at(i: u32) -> f32 {
    if (args.b_mode == B_ONES) {
        return 1.0;
    }
    let y = bw_unpack(b[bw_word(i)], i);
    return select(y, 0.0, args.b_mode == B_FINITE && !bw_is_finite(y));
}
