// A policy gradient with a gamma-shaped weight of the ratio, which is a constant.

const METRICS = 1u;
// ln 1e-8 and the other end.
const LOWEST = -18.420681;
const HIGHEST = 20.0;

struct Params {
    k_pos: f32,
    lambda_pos: f32,
    k_neg: f32,
    lambda_neg: f32,
}

fn bounded(params: Params, u: f32, advantage: f32) -> vec2<f32> {
    let inside = u >= -HIGHEST && u <= HIGHEST;
    return vec2<f32>(clamp(u, -HIGHEST, HIGHEST), select(0.0, 1.0, inside));
}

fn surrogate(params: Params, u: f32, logp: f32, advantage: f32) -> Surrogate {
    let bad = advantage < 0.0;
    let k = select(params.k_pos, params.k_neg, bad);
    let lambda = select(params.lambda_pos, params.lambda_neg, bad);
    let s = clamp(u, LOWEST, HIGHEST);
    // lambda (1 - e^s) + k s, without the cancellation near s = 0.
    let phi = bw_exp(k * s - lambda * bw_expm1(s));
    let by_logp = -(phi * advantage);
    return Surrogate(by_logp * logp, 0.0, by_logp, vec2<f32>(phi, 0.0));
}
