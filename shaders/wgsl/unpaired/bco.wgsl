// A logistic classifier of shifted rewards; the label is the sign.

const INPUTS = 1u;
const CONSTANTS = 3u;
const OUTPUTS = 2u;

struct Params {
    beta: f32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

fn map(params: Params, x: vec4<f32>, c: vec4<f32>) -> Mapped {
    let reward = params.beta * (x.x - c.x);
    let shifted = reward - c.z;
    let desirable = c.y > 0.5;
    let wrong = select(shifted, -shifted, desirable);
    let slope = params.beta * bw_sigmoid(wrong);
    let d_logp = select(slope, -slope, desirable);
    return Mapped(vec4<f32>(bw_softplus(wrong), reward, 0.0, 0.0), vec4<f32>(d_logp, 0.0, 0.0, 0.0));
}
