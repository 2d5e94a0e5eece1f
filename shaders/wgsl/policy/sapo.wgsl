// A sigmoid gate on the ratio; sigma(-x) stands for 1 - sigma(x).

const METRICS = 0u;

struct Params {
    temperature_pos: f32,
    temperature_neg: f32,
    pad0: u32,
    pad1: u32,
}

fn bounded(params: Params, u: f32, advantage: f32) -> vec2<f32> {
    return vec2<f32>(u, 1.0);
}

// From 80 on the gate is open to the last digit; e^80 does not overflow.
fn surrogate(params: Params, u: f32, logp: f32, advantage: f32) -> Surrogate {
    let temperature = select(params.temperature_neg, params.temperature_pos, advantage > 0.0);
    let held = min(u, 80.0);
    let x = temperature * bw_expm1(held);
    let gate = bw_sigmoid(x);
    let loss = -((4.0 / temperature) * gate) * advantage;
    let by_ratio = -(4.0 * (gate * (bw_sigmoid(-x) * bw_exp(held)))) * advantage;
    return Surrogate(loss, by_ratio, 0.0, vec2<f32>(0.0));
}
