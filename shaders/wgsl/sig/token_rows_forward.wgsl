// One row of logits per workgroup: log-probability of the label, logsumexp, entropy, in one pass over the row.
//
// The operator's file holds the mathematics: `Row` and the functions `row_*`. Here are loops, guards and lanes. The
// shape of every sum depends on `v` alone: 16 terms as a tree, those in sequence per lane, lanes as a tree.

const LANES = 64u;
const BLOCK = 16u;

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
    result_offset: u32,
    result_stride: u32,
    pad0: u32,
    params: Params,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;
@group(0) @binding(3) var<uniform> args: Args;

var<workgroup> lane_rows: array<Row, LANES>;
var<workgroup> lane_faults: array<u32, LANES>;

// Four logits of a lane's block, one stride of lanes apart, and which of them have a probability above 0.
struct Quad {
    x: vec4<f32>,
    live: vec4<bool>,
    faults: u32,
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = group.y * groups.x + group.x;
    let inside = row < args.n;
    var label = args.ignore_index;
    if (inside) {
        label = label_of(args.row_base + row);
    }
    let counted = label != args.ignore_index;
    let first = args.logits_offset + row * args.logits_stride;

    lane_rows[lane] = row_empty();
    lane_faults[lane] = 0u;
    if (counted) {
        scan(first, lane);
    }
    // Neighbours first, then pairs of neighbours: the tree is the same on every device.
    for (var step = 1u; step < LANES; step *= 2u) {
        workgroupBarrier();
        if (lane % (2u * step) == 0u) {
            lane_rows[lane] = row_merge(lane_rows[lane], lane_rows[lane + step]);
            lane_faults[lane] |= lane_faults[lane + step];
        }
    }
    if (inside && lane == 0u) {
        write(args.row_base + row, counted, label, first);
    }
}

// Adds the lane's logits to its row state, a block at a time.
fn scan(first: u32, lane: u32) {
    var state = row_empty();
    var faults = 0u;
    for (var j = lane; j < args.v; j += BLOCK * LANES) {
        let a = load(first, j);
        let b = load(first, j + 4u * LANES);
        let c = load(first, j + 8u * LANES);
        let d = load(first, j + 12u * LANES);
        faults |= a.faults | b.faults | c.faults | d.faults;
        let tops = max(max(a.x, b.x), max(c.x, d.x));
        let top = max(state.top, max(max(tops.x, tops.y), max(tops.z, tops.w)));
        let front = row_terms_sum(row_terms(a.x, a.live, top), row_terms(b.x, b.live, top));
        let back = row_terms_sum(row_terms(c.x, c.live, top), row_terms(d.x, d.live, top));
        state = row_add(state, row_terms_sum(front, back), top);
    }
    lane_rows[lane] = state;
    lane_faults[lane] = faults;
}

// Reads logits j, j + LANES, j + 2 LANES, j + 3 LANES of the row; beyond its end the last one is read again and dropped.
fn load(first: u32, j: u32) -> Quad {
    let at = vec4<u32>(j, j + LANES, j + 2u * LANES, j + 3u * LANES);
    let held = at < vec4<u32>(args.v);
    let place = first + min(at, vec4<u32>(args.v - 1u));
    let x = vec4<f32>(
        row_logit(args.params, logits[place.x]),
        row_logit(args.params, logits[place.y]),
        row_logit(args.params, logits[place.z]),
        row_logit(args.params, logits[place.w]),
    );
    let finite = vec4<bool>(bw_is_finite(x.x), bw_is_finite(x.y), bw_is_finite(x.z), bw_is_finite(x.w));
    let live = held & finite;
    let faults = (logit_fault(x.x) | logit_fault(x.y)) | (logit_fault(x.z) | logit_fault(x.w));
    return Quad(select(vec4<f32>(-BW_LARGEST), x, live), live, faults);
}

// -inf is a banned token and no fault.
fn logit_fault(x: f32) -> u32 {
    return select(bw_fault(x), 0u, bw_is_minus_infinity(x));
}

// Lane 0 writes the planes: logp, lse, entropy, max, log_sum, status.
fn write(row: u32, counted: bool, label: u32, first: u32) {
    let state = lane_rows[0];
    var status = 0u;
    var planes = RowPlanes(0.0, 0.0, 0.0, 0.0, 0.0);
    if (counted) {
        status = lane_faults[0];
        if (status == 0u && row_is_empty(state)) {
            status = STATUS_EMPTY_SUPPORT;
        }
        if (label >= args.v) {
            status |= STATUS_LABEL_RANGE;
        } else {
            let x = row_logit(args.params, logits[first + label]);
            planes = row_finish(state, x);
            if (status == 0u && bw_is_minus_infinity(x)) {
                planes.logp = x;
                status = STATUS_IMPOSSIBLE_LABEL;
            }
        }
        if ((status & STATUS_POISON) != 0u) {
            let nan = bw_nan(status);
            planes = RowPlanes(nan, nan, nan, nan, nan);
        }
    }
    let at = args.result_offset + row;
    result[at] = planes.logp;
    result[at + args.result_stride] = planes.lse;
    result[at + 2u * args.result_stride] = planes.entropy;
    result[at + 3u * args.result_stride] = planes.top;
    result[at + 4u * args.result_stride] = planes.log_sum;
    result[at + 5u * args.result_stride] = f32(status);
}
