// The generalised Jensen-Shannon divergence: beta KL(q || m) + (1 - beta) KL(p || m), m = beta q + (1 - beta) p.
//
// Where beta is 0 it is KL(q || p), where it is 1 KL(p || q). Needs expm1m.wgsl.

struct Params {
    // logit_scale / temperature; with soft-capping softcap / temperature.
    scale: f32,
    // logit_scale / softcap; 0: no soft-capping.
    squeeze: f32,
    beta: f32,
    // 1 - beta.
    rest: f32,
}

// log(m / p) of m = b q + (1 - b) p, u = log(p / q) and rest = 1 - b: log(1 + b (exp(-u) - 1)), or log(m / q) - u where
// the exponential would be large.
fn js_mixture(u: f32, b: f32, rest: f32) -> f32 {
    if (u > -1.0) {
        return bw_log1p(b * bw_expm1(-u));
    }
    return bw_log1p(rest * bw_expm1(u)) - u;
}

// w (exp(l) - 1 - l) for l = log(m / w), given rise = m - w: the token's share of KL(w || m), never negative.
fn js_share(w: f32, l: f32, rise: f32) -> f32 {
    if (l < 1.0) {
        return w * bw_expm1m(l);
    }
    return rise - w * l;
}

// A token's shares of the policy's and of the reference's part.
fn pair_terms(params: Params, t: Seen) -> vec2<f32> {
    if (params.beta == 0.0) {
        return vec2<f32>(0.0, js_share(t.q, t.ratio, t.p - t.q));
    }
    if (params.rest == 0.0) {
        return vec2<f32>(js_share(t.p, -t.ratio, t.q - t.p), 0.0);
    }
    let over_p = js_mixture(t.ratio, params.beta, params.rest);
    let over_q = js_mixture(-t.ratio, params.rest, params.beta);
    let of_p = js_share(t.p, over_p, params.beta * (t.q - t.p));
    let of_q = js_share(t.q, over_q, params.rest * (t.p - t.q));
    return vec2<f32>(params.rest * of_p, params.beta * of_q);
}

// The divergence, and the mean slopes of its two gradients: its two parts.
fn pair_finish(params: Params, sums: vec2<f32>) -> vec3<f32> {
    return vec3<f32>(sums.x + sums.y, sums.x, sums.y);
}

fn pair_infinite(params: Params, only_policy: bool, only_reference: bool) -> bool {
    return (params.beta == 0.0 && only_reference) || (params.rest == 0.0 && only_policy);
}

// An infinite divergence has a gradient by the logits of its second argument alone.
fn row_gradient_lost(params: Params, own: vec3<f32>, up: vec4<f32>, by_reference: bool) -> bool {
    return up.y != 0.0 && select(params.beta != 0.0, params.rest != 0.0, by_reference);
}

// The gradient of one token by its policy's or its reference's scaled logit; log-probability left out.
fn row_gradient(params: Params, own: vec3<f32>, up: vec4<f32>, t: Seen, by_reference: bool) -> f32 {
    let difference = pair_difference(t);
    if (by_reference) {
        return bw_weigh(up.y, js_slope(t.q, -t.ratio, -difference, params.rest, params.beta, own.z));
    }
    return bw_weigh(up.y, js_slope(t.p, t.ratio, difference, params.beta, params.rest, own.y));
}

// The slope by the logit of w, whose share of the mixture is rest = 1 - b: ratio is log(w / other), difference w - other.
fn js_slope(w: f32, ratio: f32, difference: f32, b: f32, rest: f32, mean: f32) -> f32 {
    if (b == 0.0) {
        return difference;
    }
    if (rest == 0.0) {
        return w * (ratio - mean);
    }
    return -w * (rest * js_mixture(ratio, b, rest) + mean);
}
