// PPO's clipped surrogate with a dual clip, in logarithms: nothing overflows that is cut.

const METRICS = 2u;

// Logarithms of the ends.
struct Params {
    low: f32,
    high: f32,
    cap: f32,
    pad0: u32,
}

fn bounded(params: Params, u: f32, advantage: f32) -> vec2<f32> {
    return vec2<f32>(u, 1.0);
}

// A good token counts up to the upper end, a bad one from the lower end to the cap; ends pass the gradient.
fn surrogate(params: Params, u: f32, logp: f32, advantage: f32) -> Surrogate {
    let good = advantage > 0.0;
    let most = select(params.cap, params.high, good);
    let cut = min(u, most);
    let held = select(max(cut, params.low), cut, good);
    let loss = -advantage * bw_exp(held);
    let inside = u <= most && (good || u >= params.low);
    let low = advantage < 0.0 && u < params.low;
    let high = good && u > params.high;
    return Surrogate(loss, select(0.0, loss, inside), 0.0, select(vec2<f32>(0.0), vec2<f32>(1.0), vec2<bool>(low, high)));
}
