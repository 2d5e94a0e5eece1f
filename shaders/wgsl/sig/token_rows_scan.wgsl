// Reads columns of a row and makes its state. The operator's file holds the mathematics: `Row` and the functions `row_*`;
// another piece has `scan_lane`, which goes through the columns of a lane.
//
// The shape of every sum depends on the columns alone: 16 terms as a tree, those in sequence per lane, lanes as a tree,
// parts in sequence.

const BLOCK = 16u;
const PART = 16384u;

var<workgroup> lane_rows: array<Row, ROWS * LANES>;
var<workgroup> lane_faults: array<u32, ROWS * LANES>;
var<workgroup> columns: u32;

// A lane's place: its row among those of the workgroup, and its place among the lanes of that row.
struct Lane {
    index: u32,
    place: u32,
}

// A row's state and the faults of its logits.
struct Scan {
    row: Row,
    faults: u32,
}

// Four logits of a lane's block, one stride of lanes apart: as they stand, as the row sees them, and which of them have a
// probability above 0.
struct Quad {
    logit: vec4<f32>,
    x: vec4<f32>,
    at: vec4<u32>,
    live: vec4<bool>,
    faults: u32,
}

fn lane_of(index: u32) -> Lane {
    return Lane(index, index % LANES);
}

// The state of columns 0..count of the row at `first`, part by part; known to lane 0 of the row. All lanes must call it.
fn scan_row(counted: bool, first: u32, count: u32, lane: Lane) -> Scan {
    // The bound of a loop around barriers must be known to be the same in every lane.
    if (lane.index == 0u) {
        columns = count;
    }
    let total = workgroupUniformLoad(&columns);
    var scan = Scan(row_empty(), 0u);
    for (var begin = 0u; begin < total; begin += PART) {
        let part = scan_part(counted, first, begin, min(begin + PART, total), lane);
        scan = Scan(row_merge(scan.row, part.row), scan.faults | part.faults);
    }
    return scan;
}

// The state of columns begin..end, known to lane 0 of the row.
fn scan_part(counted: bool, first: u32, begin: u32, end: u32, lane: Lane) -> Scan {
    // Lanes may still read what the part before left here.
    workgroupBarrier();
    // A row that is not counted has no columns: nothing of it is read.
    scan_lane(first, begin, select(begin, end, counted), lane);
    // Neighbours first, then pairs of neighbours: the tree is the same on every device.
    for (var step = 1u; step < LANES; step *= 2u) {
        workgroupBarrier();
        if (lane.place % (2u * step) == 0u) {
            lane_rows[lane.index] = row_merge(lane_rows[lane.index], lane_rows[lane.index + step]);
            lane_faults[lane.index] |= lane_faults[lane.index + step];
        }
    }
    return Scan(lane_rows[lane.index], lane_faults[lane.index]);
}

// Adds a block to a state.
fn add_block(state: Row, a: Quad, b: Quad, c: Quad, d: Quad) -> Row {
    let tops = max(max(a.x, b.x), max(c.x, d.x));
    let top = max(state.top, max(max(tops.x, tops.y), max(tops.z, tops.w)));
    let front = row_terms_sum(row_terms(a.x, a.at, a.live, top), row_terms(b.x, b.at, b.live, top));
    let back = row_terms_sum(row_terms(c.x, c.at, c.live, top), row_terms(d.x, d.at, d.live, top));
    return row_add(state, row_terms_sum(front, back), top);
}

// Reads logits j, j + LANES, j + 2 LANES, j + 3 LANES of the row; at `end` and beyond, the last one is read again and
// dropped.
fn load(first: u32, j: u32, end: u32) -> Quad {
    let at = vec4<u32>(j, j + LANES, j + 2u * LANES, j + 3u * LANES);
    let held = at < vec4<u32>(end);
    let place = first + min(at, vec4<u32>(end - 1u));
    let logit = vec4<f32>(logit_at(place.x), logit_at(place.y), logit_at(place.z), logit_at(place.w));
    let x = vec4<f32>(
        row_logit(args.params, logit.x),
        row_logit(args.params, logit.y),
        row_logit(args.params, logit.z),
        row_logit(args.params, logit.w),
    );
    let finite = vec4<bool>(bw_is_finite(x.x), bw_is_finite(x.y), bw_is_finite(x.z), bw_is_finite(x.w));
    let live = held & finite;
    let faults = (logit_fault(x.x) | logit_fault(x.y)) | (logit_fault(x.z) | logit_fault(x.w));
    return Quad(logit, select(vec4<f32>(-BW_LARGEST), x, live), at, live, faults);
}

// -inf is a banned token and no fault.
fn logit_fault(x: f32) -> u32 {
    return select(bw_fault(x), 0u, bw_is_minus_infinity(x));
}
