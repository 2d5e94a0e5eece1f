// A policy gradient with a cut weight, which is a constant.

const METRICS = 1u;

// The logarithm of the bound.
struct Params {
    high: f32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

fn bounded(params: Params, u: f32, advantage: f32) -> vec2<f32> {
    return vec2<f32>(u, 1.0);
}

fn surrogate(params: Params, u: f32, logp: f32, advantage: f32) -> Surrogate {
    let by_logp = -advantage * bw_exp(min(u, params.high));
    let clipped = select(0.0, 1.0, advantage > 0.0 && u > params.high);
    return Surrogate(by_logp * logp, 0.0, by_logp, vec2<f32>(clipped, 0.0));
}
