// The divergence of two self-normalised weights of samples, of which one is the policy's.

const INPUTS = 1u;
const CONSTANTS = 3u;
const OUTPUTS = 2u;
const LEAST = 1u;
const RANKED = false;

struct Params {
    gamma: f32,
    pad1: u32,
    pad2: u32,
    pad3: u32,
}

fn list(params: Params, l: List) -> vec2<f32> {
    var tops = vec2<f32>(-BW_LARGEST);
    for (var i = l.lane; i < l.n; i += LANES) {
        tops = max(tops, logits(params, l, i));
    }
    tops = vec2<f32>(list_largest(l.lane, tops.x), list_largest(l.lane, tops.y));
    // One of the largest terms, which is 1, is left out: where it is nearly all, the rest keeps its digits.
    var below = vec2<f32>(0.0);
    var equal = vec2<f32>(0.0);
    for (var i = l.lane; i < l.n; i += LANES) {
        let d = logits(params, l, i) - tops;
        let largest = d == vec2<f32>(0.0);
        below += select(vec2<f32>(bw_exp(d.x), bw_exp(d.y)), vec2<f32>(0.0), largest);
        equal += select(vec2<f32>(0.0), vec2<f32>(1.0), largest);
    }
    let posterior_rest = list_total(l.lane, below.x) + (list_total(l.lane, equal.x) - 1.0);
    let policy_rest = list_total(l.lane, below.y) + (list_total(l.lane, equal.y) - 1.0);
    let norms = vec2<f32>(bw_log1p(posterior_rest), bw_log1p(policy_rest));
    var loss = 0.0;
    var squares = 0.0;
    for (var i = l.lane; i < l.n; i += LANES) {
        let logs = (logits(params, l, i) - tops) - norms;
        let share = bw_exp(logs.x);
        let policy = bw_exp(logs.y);
        let t = logs.y - logs.x;
        // Near equality the series keeps the digits, far from it the shares do.
        if (abs(t) < 1.0) {
            loss += share * bw_expm1m(t);
            gradient(l, 0u, i, share * bw_expm1(t));
        } else {
            loss += policy - share * (1.0 + t);
            gradient(l, 0u, i, policy - share);
        }
        squares += share * share;
    }
    let effective = 1.0 / list_total(l.lane, squares);
    return vec2<f32>(list_total(l.lane, loss), effective);
}

// Unnormalised logarithms of the weights: of the posterior, of the policy.
fn logits(params: Params, l: List, i: u32) -> vec2<f32> {
    let prop = constant(l, 1u, i);
    let target_logit = (constant(l, 0u, i) + constant(l, 2u, i) / params.gamma) - prop;
    return vec2<f32>(target_logit, input(l, 0u, i) - prop);
}
