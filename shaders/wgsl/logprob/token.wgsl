// Softmax statistics of a row of logits: running maximum, sums of exponentials and of logits, and the gradient.

struct Params {
    // logit_scale / temperature; with soft-capping softcap / temperature.
    scale: f32,
    // logit_scale / softcap; 0: no soft-capping.
    squeeze: f32,
    // Of logprob/top_k; zero elsewhere.
    k: u32,
    truncated: u32,
}

// Of the logits x seen so far: the largest, and with d = x - top the sums of exp(d) and of its square over all but one
// of the largest, and the sum of d exp(d). Leaving the 1 of the largest out keeps the digits of a token that is nearly
// certain. Then half the mean of x, how many there are, and the column of the first largest. Half a mean
// does not overflow, whatever a sum or a rounding does.
struct Row {
    top: f32,
    rest: f32,
    moment: f32,
    square: f32,
    half_mean: f32,
    allowed: f32,
    first: u32,
}

// What up to 16 logits add to a row: sums over those below `top`, how many are equal to it, the first of these; the sum
// of all, and that of their 32nd parts.
struct RowTerms {
    below: f32,
    equal: f32,
    moment: f32,
    square: f32,
    sum: f32,
    share: f32,
    allowed: f32,
    first: u32,
}

struct RowPlanes {
    logp: f32,
    lse: f32,
    entropy: f32,
    log_sum_sq: f32,
    mean_logit: f32,
    top1: f32,
    top: f32,
    log_sum: f32,
    allowed: f32,
}

struct RowUpstream {
    logp: f32,
    lse: f32,
    entropy: f32,
    log_sum_sq: f32,
    mean_logit: f32,
}

// exp is 0 here already, and 0 times this is 0, which 0 times minus infinity is not.
const ROW_FLOOR = -104.0;
const ROW_NOWHERE = 0xffffffffu;

// The row that has seen nothing: the sum of its exponentials, 1 + rest, is 0.
fn row_empty() -> Row {
    return Row(-BW_LARGEST, -1.0, 0.0, -1.0, 0.0, 0.0, ROW_NOWHERE);
}

fn row_is_empty(row: Row) -> bool {
    return row.rest < 0.0;
}

// The terms of four logits of columns `at`, none above `top`; a logit that is not live adds nothing.
fn row_terms(x: vec4<f32>, at: vec4<u32>, live: vec4<bool>, top: f32) -> RowTerms {
    let d = max(x - vec4<f32>(top), vec4<f32>(ROW_FLOOR));
    let largest = d == vec4<f32>(0.0);
    let raw = vec4<f32>(bw_exp(d.x), bw_exp(d.y), bw_exp(d.z), bw_exp(d.w));
    let e = select(vec4<f32>(0.0), raw, live & !largest);
    let one = select(vec4<f32>(0.0), vec4<f32>(1.0), live & largest);
    let first = select(vec4<u32>(ROW_NOWHERE), at, live & largest);
    let count = select(vec4<f32>(0.0), vec4<f32>(1.0), live);
    let y = select(vec4<f32>(0.0), x, live);
    // Selected after it is scaled: Mesa would factor the scale out of the sum, which then overflows.
    let z = select(vec4<f32>(0.0), x * 0.03125, live);
    let m = e * d;
    let s = e * e;
    return RowTerms(
        (e.x + e.y) + (e.z + e.w),
        (one.x + one.y) + (one.z + one.w),
        (m.x + m.y) + (m.z + m.w),
        (s.x + s.y) + (s.z + s.w),
        (y.x + y.y) + (y.z + y.w),
        (z.x + z.y) + (z.z + z.w),
        (count.x + count.y) + (count.z + count.w),
        min(min(first.x, first.y), min(first.z, first.w)),
    );
}

fn row_terms_sum(a: RowTerms, b: RowTerms) -> RowTerms {
    return RowTerms(
        a.below + b.below,
        a.equal + b.equal,
        a.moment + b.moment,
        a.square + b.square,
        a.sum + b.sum,
        a.share + b.share,
        a.allowed + b.allowed,
        min(a.first, b.first),
    );
}

// Adds terms that were formed with `top`, the larger of the row's own maximum and theirs.
fn row_add(row: Row, terms: RowTerms, top: f32) -> Row {
    let rises = top > row.top;
    let step = max(row.top - top, ROW_FLOOR);
    let weight = bw_exp(step);
    let total = 1.0 + row.rest;
    let squares = 1.0 + row.square;
    // When the maximum rises, one of the terms becomes the one that is left out.
    let rest = select(row.rest, total * weight, rises);
    let square = select(row.square, (squares * weight) * weight, rises);
    let equal = select(terms.equal, terms.equal - 1.0, rises);
    return Row(
        top,
        (rest + terms.below) + equal,
        (row.moment + step * total) * weight + terms.moment,
        (square + terms.square) + equal,
        row_half_mean(row, terms),
        row.allowed + terms.allowed,
        select(min(row.first, terms.first), terms.first, rises),
    );
}

// Half the mean with the terms.
fn row_half_mean(row: Row, terms: RowTerms) -> f32 {
    let count = max(row.allowed + terms.allowed, 1.0);
    let own = row.half_mean * (row.allowed / count);
    return own + select(terms.share * (16.0 / count), terms.sum * (0.5 / count), bw_is_finite(terms.sum));
}

// Two rows of different columns.
fn row_merge(left: Row, right: Row) -> Row {
    var high = left;
    var low = right;
    if (right.top > left.top) {
        high = right;
        low = left;
    }
    let step = max(low.top - high.top, ROW_FLOOR);
    let weight = bw_exp(step);
    let total = 1.0 + low.rest;
    let allowed = left.allowed + right.allowed;
    let count = max(allowed, 1.0);
    return Row(
        high.top,
        high.rest + total * weight,
        high.moment + (low.moment + step * total) * weight,
        high.square + ((1.0 + low.square) * weight) * weight,
        left.half_mean * (left.allowed / count) + right.half_mean * (right.allowed / count),
        allowed,
        select(high.first, min(left.first, right.first), left.top == right.top),
    );
}

// The results for a label in column `label` with logit x. The maximum is subtracted first: x - lse would lose the small
// log-probability of a large logit.
fn row_finish(row: Row, label: u32, x: f32) -> RowPlanes {
    let log_sum = bw_log1p(row.rest);
    return RowPlanes(
        (x - row.top) - log_sum,
        row.top + log_sum,
        log_sum - row.moment / (1.0 + row.rest),
        bw_log1p(row.square) - 2.0 * log_sum,
        2.0 * clamp(row.half_mean, -0.5 * BW_LARGEST, 0.5 * BW_LARGEST),
        select(0.0, 1.0, label == row.first),
        row.top,
        log_sum,
        row.allowed,
    );
}

// The same number in every plane.
fn row_poison(x: f32) -> RowPlanes {
    return RowPlanes(x, x, x, x, x, x, x, x, x);
}

// The gradient of one logit; `hit` where it is the label's.
fn row_gradient(params: Params, row: RowPlanes, up: RowUpstream, logit: f32, hit: bool) -> f32 {
    let banned = bw_is_minus_infinity(logit);
    let x = row_logit(params, logit);
    let q = select(max((x - row.top) - row.log_sum, ROW_FLOOR), ROW_FLOOR, banned);
    let p = bw_exp(q);
    // 1 - p would lose the digits of a label that is nearly certain.
    let towards = select(-p, -bw_expm1(q), hit);
    let spread = p * (q + row.entropy);
    let peak = 2.0 * (p * bw_expm1(q - row.log_sum_sq));
    let share = select(1.0 / row.allowed, 0.0, banned);
    let by_x = ((up.logp * towards + up.lse * p) - up.entropy * spread) + (up.log_sum_sq * peak + up.mean_logit * share);
    // Minus infinity has no slope of its own; that at 0 is the scale.
    return row_logit_slope(params, select(logit, 0.0, banned)) * by_x;
}
