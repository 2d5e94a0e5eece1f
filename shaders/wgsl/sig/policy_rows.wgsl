// One sequence of tokens per workgroup: the row's loss, its divergence and metrics, and a gradient per token.
//
// The operator's file holds `bounded(params, u, advantage)`, what of a token's log-ratio counts and its slope, and
// `surrogate(params, u, logp, advantage)`. Tokens are read three times: what all of them share, the sums, the gradients.
// The shape of every sum depends on the row's length alone: 16 terms, those in sequence per lane, lanes as a tree.

const LANES = 64u;
const BLOCK = 16u;
const MASKED = 1u;
const UPSTREAM = 2u;
const OLD = 4u;
const REFERENCE = 8u;
const WEIGHTED = 16u;
const TOKEN = 0u;
const SEQUENCE = 1u;
const SEQUENCE_TOKEN = 2u;
const SEQUENCE_SUM = 3u;

struct Args {
    rows: u32,
    len: u32,
    result_offset: u32,
    result_stride: u32,
    scale: f32,
    present: u32,
    level: u32,
    mean: u32,
    beta: f32,
    corrected: u32,
    upstream_offset: u32,
    upstream_stride: u32,
    gradient_offset: u32,
    gradient_row: u32,
    mask_offset: u32,
    mask_row: u32,
    mask_col: u32,
    logp_offset: u32,
    logp_row: u32,
    logp_col: u32,
    old_offset: u32,
    old_row: u32,
    old_col: u32,
    ref_offset: u32,
    ref_row: u32,
    ref_col: u32,
    advantage_offset: u32,
    advantage_row: u32,
    advantage_col: u32,
    weight_offset: u32,
    weight_row: u32,
    weight_col: u32,
    params: Params,
}

@group(0) @binding(0) var<storage, read> inputs: array<f32>;
@group(0) @binding(1) var<storage, read> constants: array<f32>;
@group(0) @binding(2) var<storage, read> words: array<u32>;
@group(0) @binding(3) var<storage, read_write> result: array<f32>;
@group(0) @binding(4) var<uniform> args: Args;

var<workgroup> lane_faults: array<u32, LANES>;

// What a surrogate makes of a token: its loss, the derivatives by log-ratio and log-probability, the metrics.
struct Surrogate {
    loss: f32,
    by_ratio: f32,
    by_logp: f32,
    metrics: vec2<f32>,
}

// A token that counts.
struct Token {
    logp: f32,
    old: f32,
    reference: f32,
    advantage: f32,
    weight: f32,
}

// What is summed over the tokens of a row.
struct Sums {
    loss: f32,
    kl: f32,
    by_ratio: f32,
    metrics: vec2<f32>,
}

// What all tokens of a row share.
struct Row {
    row: u32,
    lane: u32,
    // Tokens that count.
    n: f32,
    // The log-ratio, where it is the sequence's.
    ratio: f32,
}

// What one read of the row's tokens leaves.
struct Seen {
    count: u32,
    faults: u32,
    ratio: f32,
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = group.y * groups.x + group.x;
    let inside = index < args.rows;
    var seen = Seen(0u, 0u, 0.0);
    var upstream = 1.0;
    if (inside) {
        seen = look(index, lane);
        upstream = upstream_of(index);
    }
    let faults = all_faults(lane, seen.faults | bw_fault(upstream));
    let n = list_total(lane, f32(seen.count));
    let total = list_total(lane, seen.ratio);
    let row = Row(index, lane, n, select(total / max(n, 1.0), total, args.level == SEQUENCE_SUM));
    let live = inside && faults == 0u && n > 0.0;
    var own = Sums(0.0, 0.0, 0.0, vec2<f32>(0.0));
    if (live) {
        own = sums_of(row);
    }
    let by_ratio = list_total(lane, own.by_ratio);
    let metrics = vec2<f32>(list_total(lane, own.metrics.x), list_total(lane, own.metrics.y));
    let sums = Sums(list_total(lane, own.loss), list_total(lane, own.kl), by_ratio, metrics);
    if (inside) {
        write(row, sums, faults | select(0u, STATUS_EMPTY_SEGMENT, n == 0.0), live);
        gradients(row, sums, args.scale * upstream, faults, live);
    }
}

fn upstream_of(row: u32) -> f32 {
    if ((args.present & UPSTREAM) == 0u) {
        return 1.0;
    }
    return constants[args.upstream_offset + row * args.upstream_stride];
}

fn counts(row: u32, i: u32) -> bool {
    if ((args.present & MASKED) == 0u) {
        return true;
    }
    return words[args.mask_offset + row * args.mask_row + i * args.mask_col] != 0u;
}

fn token(row: u32, i: u32) -> Token {
    let logp = inputs[args.logp_offset + row * args.logp_row + i * args.logp_col];
    var t = Token(logp, logp, logp, 0.0, 1.0);
    t.advantage = constants[args.advantage_offset + row * args.advantage_row + i * args.advantage_col];
    if ((args.present & OLD) != 0u) {
        t.old = constants[args.old_offset + row * args.old_row + i * args.old_col];
    }
    if ((args.present & REFERENCE) != 0u) {
        t.reference = constants[args.ref_offset + row * args.ref_row + i * args.ref_col];
    }
    if ((args.present & WEIGHTED) != 0u) {
        t.weight = constants[args.weight_offset + row * args.weight_row + i * args.weight_col];
    }
    return t;
}

fn faults_of(t: Token) -> u32 {
    return bw_fault(t.logp) | bw_fault(t.old) | bw_fault(t.reference) | bw_fault(t.advantage) | bw_fault(t.weight);
}

// How many tokens of this lane count, what is wrong with them, the sum of their log-ratios.
fn look(row: u32, lane: u32) -> Seen {
    var seen = Seen(0u, 0u, 0.0);
    for (var base = lane; base < args.len; base += BLOCK * LANES) {
        let end = min(args.len, base + BLOCK * LANES);
        var block = 0.0;
        for (var i = base; i < end; i += LANES) {
            if (counts(row, i)) {
                let t = token(row, i);
                seen.count += 1u;
                seen.faults |= faults_of(t);
                block += bounded(args.params, t.logp - t.old, t.advantage).x;
            }
        }
        seen.ratio += block;
    }
    return seen;
}

// What is wrong with the tokens of all lanes.
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

// A token's terms: loss, divergence, slopes and metrics, with everything that multiplies them.
fn terms(r: Row, t: Token) -> Surrogate {
    let u = select(r.ratio, bounded(args.params, t.logp - t.old, t.advantage).x, args.level == TOKEN);
    var s = surrogate(args.params, u, t.logp, t.advantage);
    // Nothing flows through an advantage of 0, however large the ratio.
    let weight = select(t.weight, 0.0, t.advantage == 0.0);
    s.loss = bw_weigh(weight, s.loss);
    s.by_ratio = bw_weigh(weight, s.by_ratio);
    s.by_logp = bw_weigh(weight, s.by_logp);
    if (args.beta > 0.0) {
        let d = t.reference - t.logp;
        let kl = bw_expm1m(d);
        var beta = args.beta;
        if (args.corrected != 0u) {
            beta = args.beta * bw_exp(u);
            s.by_ratio += beta * kl;
        }
        s.loss += beta * kl;
        s.by_logp -= beta * bw_expm1(d);
    }
    return s;
}

fn sums_of(r: Row) -> Sums {
    var sums = Sums(0.0, 0.0, 0.0, vec2<f32>(0.0));
    for (var base = r.lane; base < args.len; base += BLOCK * LANES) {
        let end = min(args.len, base + BLOCK * LANES);
        var block = Sums(0.0, 0.0, 0.0, vec2<f32>(0.0));
        for (var i = base; i < end; i += LANES) {
            if (counts(r.row, i)) {
                let t = token(r.row, i);
                let s = terms(r, t);
                block.loss += s.loss;
                block.by_ratio += s.by_ratio;
                block.metrics += s.metrics;
                block.kl += bw_expm1m(t.reference - t.logp);
            }
        }
        sums.loss += block.loss;
        sums.by_ratio += block.by_ratio;
        sums.metrics += block.metrics;
        sums.kl += block.kl;
    }
    return sums;
}

// Lane 0 writes the planes: loss, divergence, tokens, metrics, status.
fn write(r: Row, sums: Sums, status: u32, live: bool) {
    if (r.lane != 0u) {
        return;
    }
    let rest = select(0.0, bw_nan(status), (status & STATUS_POISON) != 0u);
    let n = max(r.n, 1.0);
    let at = args.result_offset + r.row;
    result[at] = select(rest, sums.loss / select(1.0, n, args.mean != 0u), live);
    result[at + args.result_stride] = select(rest, sums.kl / n, live);
    result[at + 2u * args.result_stride] = select(rest, r.n, live);
    for (var k = 0u; k < METRICS; k += 1u) {
        result[at + (3u + k) * args.result_stride] = select(rest, sums.metrics[k] / n, live);
    }
    result[at + (3u + METRICS) * args.result_stride] = f32(status);
}

// The gradient of every token: 0 where it does not count, NaN in a bad row.
fn gradients(r: Row, sums: Sums, upstream: f32, faults: u32, live: bool) {
    let scale = upstream / select(1.0, r.n, args.mean != 0u);
    let of_row = select(sums.by_ratio, sums.by_ratio / r.n, args.level == SEQUENCE);
    let own = args.level == TOKEN || args.level == SEQUENCE_TOKEN;
    for (var i = r.lane; i < args.len; i += LANES) {
        var slope = select(0.0, bw_nan(faults), faults != 0u);
        if (live) {
            if (counts(r.row, i)) {
                let t = token(r.row, i);
                let s = terms(r, t);
                let passed = bounded(args.params, t.logp - t.old, t.advantage).y;
                slope = bw_weigh(scale, bw_weigh(passed, select(of_row, s.by_ratio, own)) + s.by_logp);
            }
        }
        result[args.gradient_offset + r.row * args.gradient_row + i] = slope;
    }
}
