// Kahneman-Tversky optimisation; sigma(-x) stands for every 1 - sigma(x).

const INPUTS = 1u;
const CONSTANTS = 3u;
const OUTPUTS = 2u;

struct Params {
    beta: f32,
    desirable_weight: f32,
    undesirable_weight: f32,
    pad0: u32,
}

fn map(params: Params, x: vec4<f32>, c: vec4<f32>) -> Mapped {
    let u = x.x - c.x;
    let desirable = c.y > 0.5;
    let weight = select(params.undesirable_weight, params.desirable_weight, desirable);
    let slope = select(-params.beta, params.beta, desirable);
    let gain = slope * (u - max(c.z, 0.0));
    let loss = weight * bw_sigmoid(-gain);
    let d_logp = -slope * (weight * (bw_sigmoid(gain) * bw_sigmoid(-gain)));
    return Mapped(vec4<f32>(loss, params.beta * u, 0.0, 0.0), vec4<f32>(d_logp, 0.0, 0.0, 0.0));
}
