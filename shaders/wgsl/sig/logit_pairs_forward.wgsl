// Two rows of logits per workgroup, a policy's and a reference's: log-probabilities of the label and divergences.
//
// The operator's file holds the mathematics: `Row`, the functions `row_*` and `second_pass`. Here are loops, guards and
// lanes. The shape of every sum depends on `v` alone: 16 terms as a tree, those in sequence per lane, lanes as a tree.

const LANES = 64u;
const BLOCK = 16u;

// Beside the bits of a status: a token that one of the rows bans and the other does not.
const ONLY_POLICY = 256u;
const ONLY_REFERENCE = 512u;

struct Args {
    n: u32,
    v: u32,
    row_base: u32,
    logits_offset: u32,
    logits_stride: u32,
    ref_offset: u32,
    ref_stride: u32,
    labels_offset: u32,
    seq_len: u32,
    shift: u32,
    ignore_index: u32,
    result_offset: u32,
    result_stride: u32,
    mask_offset: u32,
    pad1: u32,
    pad2: u32,
    params: Params,
}

@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read_write> result: array<f32>;
@group(0) @binding(4) var<uniform> args: Args;

var<workgroup> lane_rows: array<Row, LANES>;
var<workgroup> lane_faults: array<u32, LANES>;

// Where both rows of a workgroup begin.
struct Place {
    first: u32,
    ref_first: u32,
}

// Four tokens of a lane's block, one stride of lanes apart, and which of them each row allows.
struct Quad {
    x: vec4<f32>,
    r: vec4<f32>,
    live: vec4<bool>,
    ref_live: vec4<bool>,
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
    let place =
        Place(args.logits_offset + row * args.logits_stride, args.ref_offset + row * args.ref_stride);

    lane_rows[lane] = row_empty();
    lane_faults[lane] = 0u;
    if (counted) {
        scan(place, lane);
    }
    // Neighbours first, then pairs of neighbours: the tree is the same on every device.
    for (var step = 1u; step < LANES; step *= 2u) {
        workgroupBarrier();
        if (lane % (2u * step) == 0u) {
            lane_rows[lane] = row_merge(lane_rows[lane], lane_rows[lane + step]);
            lane_faults[lane] |= lane_faults[lane + step];
        }
    }
    workgroupBarrier();
    second_pass(place, lane, counted);
    if (inside && lane == 0u) {
        write(args.row_base + row, counted, label, place);
    }
}

// Adds the lane's tokens to its row state, a block at a time.
fn scan(place: Place, lane: u32) {
    var state = row_empty();
    var faults = 0u;
    for (var j = lane; j < args.v; j += BLOCK * LANES) {
        let a = load(place, j);
        let b = load(place, j + 4u * LANES);
        let c = load(place, j + 8u * LANES);
        let d = load(place, j + 12u * LANES);
        faults |= a.faults | b.faults | c.faults | d.faults;
        let top = max(state.top, largest(max(max(a.x, b.x), max(c.x, d.x))));
        let ref_top = max(state.ref_top, largest(max(max(a.r, b.r), max(c.r, d.r))));
        let front = row_terms_sum(row_terms(a, top, ref_top), row_terms(b, top, ref_top));
        let back = row_terms_sum(row_terms(c, top, ref_top), row_terms(d, top, ref_top));
        state = row_add(state, row_terms_sum(front, back), top, ref_top);
    }
    lane_rows[lane] = state;
    lane_faults[lane] = faults;
}

fn largest(x: vec4<f32>) -> f32 {
    return max(max(x.x, x.y), max(x.z, x.w));
}

// Reads tokens j, j + LANES, j + 2 LANES, j + 3 LANES; beyond the end the last one is read again and dropped.
fn load(place: Place, j: u32) -> Quad {
    let at = vec4<u32>(j, j + LANES, j + 2u * LANES, j + 3u * LANES);
    let held = at < vec4<u32>(args.v);
    let column = min(at, vec4<u32>(args.v - 1u));
    let i = place.first + column;
    let k = place.ref_first + column;
    let x = vec4<f32>(policy(i.x), policy(i.y), policy(i.z), policy(i.w));
    let r = vec4<f32>(reference(k.x), reference(k.y), reference(k.z), reference(k.w));
    let live = held & finite(x);
    let ref_live = held & finite(r);
    var faults = faults_of(x) | faults_of(r);
    faults |= select(0u, ONLY_POLICY, any(live & !ref_live));
    faults |= select(0u, ONLY_REFERENCE, any(ref_live & !live));
    let nothing = vec4<f32>(-BW_LARGEST);
    return Quad(select(nothing, x, live), select(nothing, r, ref_live), live, ref_live, faults);
}

fn policy(i: u32) -> f32 {
    return row_logit(args.params, logit_at(i));
}

fn reference(i: u32) -> f32 {
    return row_logit(args.params, ref_logit_at(i));
}

fn finite(x: vec4<f32>) -> vec4<bool> {
    return vec4<bool>(bw_is_finite(x.x), bw_is_finite(x.y), bw_is_finite(x.z), bw_is_finite(x.w));
}

fn faults_of(x: vec4<f32>) -> u32 {
    return (logit_fault(x.x) | logit_fault(x.y)) | (logit_fault(x.z) | logit_fault(x.w));
}

// -inf is a banned token and no fault.
fn logit_fault(x: f32) -> u32 {
    return select(bw_fault(x), 0u, bw_is_minus_infinity(x));
}

// Lane 0 writes the planes: logp, ref_logp, four of the norms, three of the operator's own, status.
fn write(row: u32, counted: bool, label: u32, place: Place) {
    let state = lane_rows[0];
    var status = 0u;
    var norms = Norms(0.0, 0.0, 0.0, 0.0);
    var logps = vec2<f32>(0.0);
    var own = vec3<f32>(0.0);
    if (counted) {
        let only = lane_faults[0];
        status = only & STATUS_POISON;
        if (status == 0u && row_is_empty(state)) {
            status = STATUS_EMPTY_SUPPORT;
        }
        if (label >= args.v) {
            status |= STATUS_LABEL_RANGE;
        } else {
            let x = policy(place.first + label);
            let r = reference(place.ref_first + label);
            norms = row_norms(state);
            logps = vec2<f32>((x - norms.top) - norms.log_sum, (r - norms.ref_top) - norms.ref_log_sum);
            let only_policy = (only & ONLY_POLICY) != 0u;
            let only_reference = (only & ONLY_REFERENCE) != 0u;
            own = row_finish(state, norms, only_policy, only_reference);
            if (status == 0u) {
                let banned = vec2<bool>(bw_is_minus_infinity(x), bw_is_minus_infinity(r));
                logps = select(logps, vec2<f32>(x, r), banned);
                status = select(0u, STATUS_IMPOSSIBLE_LABEL, any(banned))
                    | select(0u, STATUS_DISJOINT, row_infinite(only_policy, only_reference));
            }
        }
        if ((status & STATUS_POISON) != 0u) {
            let nan = bw_nan(status);
            norms = Norms(nan, nan, nan, nan);
            logps = vec2<f32>(nan);
            own = vec3<f32>(nan);
        }
    }
    let at = args.result_offset + row;
    let stride = args.result_stride;
    result[at] = logps.x;
    result[at + stride] = logps.y;
    result[at + 2u * stride] = norms.top;
    result[at + 3u * stride] = norms.log_sum;
    result[at + 4u * stride] = norms.ref_top;
    result[at + 5u * stride] = norms.ref_log_sum;
    result[at + 6u * stride] = own.x;
    result[at + 7u * stride] = own.y;
    result[at + 8u * stride] = own.z;
    result[at + 9u * stride] = f32(status);
}
