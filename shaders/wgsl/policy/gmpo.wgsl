// The ratio itself, of log-ratios that are cut on the side where the advantage pushes them.

const METRICS = 0u;

// The ends of a log-ratio.
struct Params {
    low: f32,
    high: f32,
    pad0: u32,
    pad1: u32,
}

fn bounded(params: Params, u: f32, advantage: f32) -> vec2<f32> {
    if (advantage > 0.0) {
        return vec2<f32>(min(u, params.high), select(1.0, 0.0, u > params.high));
    }
    return vec2<f32>(max(u, params.low), select(1.0, 0.0, u < params.low));
}

fn surrogate(params: Params, u: f32, logp: f32, advantage: f32) -> Surrogate {
    let loss = -advantage * bw_exp(u);
    return Surrogate(loss, loss, 0.0, vec2<f32>(0.0));
}
