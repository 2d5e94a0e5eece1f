// Softmax statistics of a row of logits: running maximum, sum of exponentials, and the moment that gives the entropy.

struct Params {
    // 1 / temperature.
    scale: f32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

// Of the logits x seen so far: the largest, and with d = x - top the sum of exp(d) over all but one of the largest,
// and the sum of d exp(d). Leaving the 1 of the largest out keeps the digits of a token that is nearly certain.
struct Row {
    top: f32,
    rest: f32,
    moment: f32,
}

// What a few logits add to a row: sums over those below `top`, how many are equal to it.
struct RowTerms {
    below: f32,
    equal: f32,
    moment: f32,
}

struct RowPlanes {
    logp: f32,
    lse: f32,
    entropy: f32,
    top: f32,
    log_sum: f32,
}

struct RowUpstream {
    logp: f32,
    lse: f32,
    entropy: f32,
}

// exp is 0 here already, and 0 times this is 0, which 0 times minus infinity is not.
const ROW_FLOOR = -104.0;

// A logit as the row sees it. NaN and infinities keep their bits.
fn row_logit(params: Params, logit: f32) -> f32 {
    return select(logit, logit * params.scale, bw_is_finite(logit));
}

// The row that has seen nothing: the sum of its exponentials, 1 + rest, is 0.
fn row_empty() -> Row {
    return Row(-BW_LARGEST, -1.0, 0.0);
}

fn row_is_empty(row: Row) -> bool {
    return row.rest < 0.0;
}

// The terms of four logits, none above `top`; a logit that is not live adds nothing.
fn row_terms(x: vec4<f32>, live: vec4<bool>, top: f32) -> RowTerms {
    let d = max(x - vec4<f32>(top), vec4<f32>(ROW_FLOOR));
    let largest = d == vec4<f32>(0.0);
    let raw = vec4<f32>(bw_exp(d.x), bw_exp(d.y), bw_exp(d.z), bw_exp(d.w));
    let e = select(vec4<f32>(0.0), raw, live & !largest);
    let one = select(vec4<f32>(0.0), vec4<f32>(1.0), live & largest);
    let m = e * d;
    return RowTerms((e.x + e.y) + (e.z + e.w), (one.x + one.y) + (one.z + one.w), (m.x + m.y) + (m.z + m.w));
}

fn row_terms_sum(a: RowTerms, b: RowTerms) -> RowTerms {
    return RowTerms(a.below + b.below, a.equal + b.equal, a.moment + b.moment);
}

// Adds terms that were formed with `top`, the larger of the row's own maximum and theirs.
fn row_add(row: Row, terms: RowTerms, top: f32) -> Row {
    let rises = top > row.top;
    let step = max(row.top - top, ROW_FLOOR);
    let weight = bw_exp(step);
    let total = 1.0 + row.rest;
    // When the maximum rises, one of the terms becomes the one that is left out.
    let rest = select(row.rest, total * weight, rises);
    let equal = select(terms.equal, terms.equal - 1.0, rises);
    return Row(top, (rest + terms.below) + equal, (row.moment + step * total) * weight + terms.moment);
}

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
    return Row(high.top, high.rest + total * weight, high.moment + (low.moment + step * total) * weight);
}

// The results for the label's logit x. The maximum is subtracted first: x - lse would lose the small log-probability
// of a large logit.
fn row_finish(row: Row, x: f32) -> RowPlanes {
    let log_sum = bw_log1p(row.rest);
    let logp = (x - row.top) - log_sum;
    return RowPlanes(logp, row.top + log_sum, log_sum - row.moment / (1.0 + row.rest), row.top, log_sum);
}

// The gradient of one logit x; `banned` where it is -inf, `hit` where it is the label's.
fn row_gradient(params: Params, row: RowPlanes, up: RowUpstream, x: f32, banned: bool, hit: bool) -> f32 {
    let q = select(max((x - row.top) - row.log_sum, ROW_FLOOR), ROW_FLOOR, banned);
    let p = bw_exp(q);
    // 1 - p would lose the digits of a label that is nearly certain.
    let towards = select(-p, -bw_expm1(q), hit);
    let spread = p * (q + row.entropy);
    return params.scale * ((up.logp * towards + up.lse * p) - up.entropy * spread);
}
