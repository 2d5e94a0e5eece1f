// The gradient of one row of logits per workgroup, by the policy's or by the reference's, from the planes that the
// forward kernel saved: both rows are read once, one is written.
//
// The operator's file holds the mathematics (`row_gradient`). Rows that are not counted get zeros and are not read.

const LANES = 64u;

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
    saved_offset: u32,
    saved_stride: u32,
    upstream_offset: u32,
    upstream_stride: u32,
    upstream_mask: u32,
    result_offset: u32,
    result_stride: u32,
    by_reference: u32,
    mask_offset: u32,
    column_base: u32,
    accumulate: u32,
    pad0: u32,
    pad1: u32,
    params: Params,
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = group.y * groups.x + group.x;
    if (row >= args.n) {
        return;
    }
    write_columns(row, slope_of(row), 0u, args.v, lane);
}

// What the gradient of a row starts from. A row that is not counted, or bad, is `fill` everywhere and not read.
struct Slope {
    norms: Norms,
    up: vec4<f32>,
    own: vec3<f32>,
    label: u32,
    filled: bool,
    fill: f32,
}

fn filled_slope(fill: f32) -> Slope {
    return Slope(Norms(0.0, 0.0, 0.0, 0.0), vec4<f32>(0.0), vec3<f32>(0.0), 0u, true, fill);
}

fn slope_of(row: u32) -> Slope {
    let at = args.row_base + row;
    let label = label_of(at);
    if (label == args.ignore_index) {
        return filled_slope(0.0);
    }
    let up = vec4<f32>(upstream(0u, at), upstream(1u, at), upstream(2u, at), upstream(3u, at));
    let own = vec3<f32>(saved(6u, at), saved(7u, at), saved(8u, at));
    let status = u32(saved(9u, at));
    var fault = status & STATUS_POISON;
    fault |= bw_fault(up.x) | bw_fault(up.y) | bw_fault(up.z) | bw_fault(up.w);
    // The gradient of an infinite divergence.
    if ((status & STATUS_DISJOINT) != 0u && row_gradient_lost(args.params, own, up, args.by_reference != 0u)) {
        fault |= STATUS_DISJOINT;
    }
    if (fault != 0u) {
        return filled_slope(bw_nan(fault));
    }
    let norms = Norms(saved(2u, at), saved(3u, at), saved(4u, at), saved(5u, at));
    // A label of other columns is none of these.
    return Slope(norms, up, own, label - args.column_base, false, 0.0);
}

fn write_base(row: u32) -> u32 {
    return args.result_offset + row * args.result_stride;
}

// What column j of a row becomes: its gradient, or what stands there and its gradient.
fn gradient(slope: Slope, row: u32, j: u32) -> f32 {
    let own = own_gradient(slope, row, j);
    if (args.accumulate == 0u || bw_is_nan(own)) {
        return own;
    }
    let i = write_base(row) + j;
    let before = bw_unpack(result[bw_word(i)], i);
    return select(before + own, before, bw_is_nan(before));
}

// The gradient by the logit of column j.
fn own_gradient(slope: Slope, row: u32, j: u32) -> f32 {
    if (slope.filled) {
        return slope.fill;
    }
    let by_reference = args.by_reference != 0u;
    let x = logit_at(args.logits_offset + row * args.logits_stride + j);
    let r = ref_logit_at(args.ref_offset + row * args.ref_stride + j);
    let seen = pair_see(slope.norms, row_logit(args.params, x), row_logit(args.params, r));
    // 1 - p of the label without its cancellation.
    let towards = select(-seen.p, -bw_expm1(seen.log_p), j == slope.label);
    let by_logp = select(slope.up.x * towards, 0.0, by_reference);
    let own = select(x, r, by_reference);
    // Minus infinity has no slope of its own; that at 0 is the scale.
    let chain = row_logit_slope(args.params, select(own, 0.0, bw_is_minus_infinity(own)));
    return chain * (by_logp + row_gradient(args.params, slope.own, slope.up, seen, by_reference));
}
