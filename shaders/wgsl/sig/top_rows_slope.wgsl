// The gradient of a row by one of its logits. The operator's file holds the mathematics (`top_entropy_slope`).

// Terms whose sum is formed before it is added to the others: fewer roundings.
const TERMS = 8u;

// What the gradient of a row starts from. A row that is not counted, or bad, is `fill` everywhere and not read.
struct Slope {
    // Which row of all.
    row: u32,
    top: f32,
    log_sum: f32,
    saved: TopSaved,
    mass: f32,
    entropy: f32,
    lse: f32,
    // The last of the largest; key 0 where every token is among them.
    last: Entry,
    // The sum of the upstream gradients of the log-probabilities.
    logp: f32,
    filled: bool,
    fill: f32,
}

// The upstream gradient of the entry in column j, and the sum of the others.
struct Pull {
    own: f32,
    others: f32,
}

fn filled_slope(fill: f32) -> Slope {
    let saved = TopSaved(0.0, 0.0, 0.0);
    return Slope(0u, 0.0, 0.0, saved, 0.0, 0.0, 0.0, Entry(0u, 0u), 0.0, true, fill);
}

fn slope_of(row: u32) -> Slope {
    let at = args.row_base + row;
    if (label_of(at) == args.ignore_index) {
        return filled_slope(0.0);
    }
    let k = list_length();
    let status = u32(saved(2u * k + 5u, at)) & STATUS_POISON;
    let fault = status | (bw_fault(upstream(0u, at)) | bw_fault(upstream(1u, at))) | bw_fault(upstream(2u, at));
    if (fault != 0u) {
        return filled_slope(bw_nan(fault));
    }
    let found = logp_fault(at, k);
    if (found != 0u) {
        return filled_slope(bw_nan(found));
    }
    return good_slope(row, at, k);
}

fn good_slope(row: u32, at: u32, k: u32) -> Slope {
    let tail = 2u * k;
    let mass = saved(tail, at);
    // The last of the largest is read where it stands: its own digits decide, not those of its log-probability.
    let column = u32(saved(tail - 1u, at));
    var last = Entry(0u, column);
    if (column < args.v) {
        last.key = key_of(logit_at(read_base(row) + column));
    }
    return Slope(
        at,
        saved(tail + 3u, at),
        saved(tail + 4u, at),
        TopSaved(mass, bw_log(mass), saved(tail + 1u, at)),
        upstream(0u, at),
        upstream(1u, at),
        upstream(2u, at),
        last,
        pull_of(at, NO_COLUMN).others,
        false,
        0.0,
    );
}

// The upstream gradient of an entry's log-probability; 0 where there is none, or no entry: then it is not read.
fn upstream_logp(rank: u32, row: u32) -> f32 {
    if ((args.upstream_mask & 8u) == 0u || saved(list_length() + rank, row) >= f32(NO_COLUMN)) {
        return 0.0;
    }
    return rows[args.upstream_offset + (3u + rank) * args.upstream_stride + row];
}

fn logp_fault(row: u32, k: u32) -> u32 {
    var fault = 0u;
    for (var rank = 0u; rank < k; rank += 1u) {
        fault |= bw_fault(upstream_logp(rank, row));
    }
    return fault;
}

fn pull_of(row: u32, j: u32) -> Pull {
    let k = list_length();
    var pull = Pull(0.0, 0.0);
    for (var begin = 0u; begin < k; begin += TERMS) {
        var some = 0.0;
        for (var rank = begin; rank < min(begin + TERMS, k); rank += 1u) {
            let up = upstream_logp(rank, row);
            let own = u32(saved(k + rank, row)) == j;
            pull.own += select(0.0, up, own);
            some += select(up, 0.0, own);
        }
        pull.others += some;
    }
    return pull;
}

// The gradient by the logit of column j of a row.
fn gradient(slope: Slope, row: u32, j: u32) -> f32 {
    if (slope.filled) {
        return slope.fill;
    }
    let logit = logit_at(read_base(row) + j);
    if (bw_is_minus_infinity(logit)) {
        return 0.0;
    }
    let q = max((row_logit(args.params, logit) - slope.top) - slope.log_sum, ROW_FLOOR);
    let p = bw_exp(q);
    let key = key_of(logit);
    let member = key > slope.last.key || (key == slope.last.key && j <= slope.last.column);
    var pull = Pull(0.0, slope.logp);
    if (member) {
        pull = pull_of(slope.row, j);
    }
    // 1 - p would lose the digits of a token that is nearly certain.
    let by_logp = -(pull.own * bw_expm1(q)) - p * pull.others;
    let by_mass = p * (select(0.0, 1.0, member) - slope.saved.mass);
    let by_entropy = top_entropy_slope(args.params, slope.saved, q, member);
    let by_x = ((by_logp + slope.mass * by_mass) + slope.lse * p) + slope.entropy * by_entropy;
    return row_logit_slope(args.params, logit) * by_x;
}
