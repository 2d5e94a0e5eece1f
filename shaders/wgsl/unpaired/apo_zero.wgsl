// Anchored preference optimisation, zero anchor; sigma(-x) stands for every 1 - sigma(x).

const INPUTS = 1u;
const CONSTANTS = 2u;
const OUTPUTS = 2u;

struct Params {
    beta: f32,
    desirable_weight: f32,
    undesirable_weight: f32,
    pad0: u32,
}

fn map(params: Params, x: vec4<f32>, c: vec4<f32>) -> Mapped {
    let reward = params.beta * (x.x - c.x);
    let desirable = c.y > 0.5;
    let weight = select(params.undesirable_weight, params.desirable_weight, desirable);
    let loss = weight * bw_sigmoid(select(reward, -reward, desirable));
    let slope = params.beta * (weight * (bw_sigmoid(reward) * bw_sigmoid(-reward)));
    let d_logp = select(slope, -slope, desirable);
    return Mapped(vec4<f32>(loss, reward, 0.0, 0.0), vec4<f32>(d_logp, 0.0, 0.0, 0.0));
}
