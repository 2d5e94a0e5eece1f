// The alpha-divergence: the sum of q f(p/q), f(t) = (t^alpha - alpha t - (1 - alpha)) / (alpha (alpha - 1)).
//
// Needs expm1m.wgsl.

struct Params {
    // logit_scale / temperature; with soft-capping softcap / temperature.
    scale: f32,
    // logit_scale / softcap; 0: no soft-capping.
    squeeze: f32,
    alpha: f32,
    // 1 - alpha.
    rest: f32,
}

// Below this a function of the exponent holds more digits than a difference of powers.
const ALPHA_NEAR = 1.0;

// p^alpha q^(1 - alpha) from logarithms; 0 where one of the two is.
fn alpha_power(params: Params, t: Seen) -> f32 {
    let power = bw_exp(clamp(t.log_q + params.alpha * clamp(t.ratio, -1e36, 1e36), -200.0, 200.0));
    return select(power, 0.0, t.log_p <= PAIR_FAR || t.log_q <= PAIR_FAR);
}

// w ((p/q)^k - 1), where w (p/q)^k is the power given.
fn alpha_excess(w: f32, k: f32, ratio: f32, power: f32) -> f32 {
    let exponent = k * clamp(ratio, -1e36, 1e36);
    return select(power - w, w * bw_expm1(clamp(exponent, -1.0, 1.0)), abs(exponent) < ALPHA_NEAR);
}

// 1 / (alpha (alpha - 1)).
fn alpha_factor(params: Params) -> f32 {
    return -1.0 / (params.alpha * params.rest);
}

// A token's term; the second sum is not used.
fn pair_terms(params: Params, t: Seen) -> vec2<f32> {
    let exponent = params.alpha * clamp(t.ratio, -1e36, 1e36);
    if (abs(t.ratio) < ALPHA_NEAR && abs(exponent) < ALPHA_NEAR) {
        let near = t.q * (bw_expm1m(exponent) - params.alpha * bw_expm1m(t.ratio));
        return vec2<f32>(near * alpha_factor(params), 0.0);
    }
    let far = (alpha_power(params, t) - params.alpha * t.p) - params.rest * t.q;
    return vec2<f32>(far * alpha_factor(params), 0.0);
}

// The divergence, and the mean slopes of its two gradients: its shares alpha and 1 - alpha.
fn pair_finish(params: Params, sums: vec2<f32>) -> vec3<f32> {
    return vec3<f32>(sums.x, params.alpha * sums.x, params.rest * sums.x);
}

fn pair_infinite(params: Params, only_policy: bool, only_reference: bool) -> bool {
    return (params.alpha > 1.0 && only_policy) || (params.alpha < 0.0 && only_reference);
}

// No gradient of an infinite divergence exists.
fn row_gradient_lost(params: Params, own: vec3<f32>, up: vec4<f32>, by_reference: bool) -> bool {
    return up.y != 0.0;
}

// The gradient of one token by its policy's or its reference's scaled logit; log-probability left out.
fn row_gradient(params: Params, own: vec3<f32>, up: vec4<f32>, t: Seen, by_reference: bool) -> f32 {
    let power = alpha_power(params, t);
    if (by_reference) {
        let slope = -alpha_excess(t.q, params.alpha, t.ratio, power) / params.alpha - bw_weigh(t.q, own.z);
        return bw_weigh(up.y, slope);
    }
    let slope = -alpha_excess(t.p, -params.rest, t.ratio, power) / params.rest - bw_weigh(t.p, own.y);
    return bw_weigh(up.y, slope);
}
