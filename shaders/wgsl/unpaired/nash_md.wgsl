// Policy gradient: only the slope means anything, and the log-ratio in it is a constant.

const INPUTS = 1u;
const CONSTANTS = 2u;
const OUTPUTS = 3u;

struct Params {
    beta: f32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

fn map(params: Params, x: vec4<f32>, c: vec4<f32>) -> Mapped {
    let kl = x.x - c.x;
    let ahead = c.y - 0.5;
    let penalty = params.beta * kl;
    let score = ahead * x.x;
    let loss = penalty * x.x - score;
    return Mapped(vec4<f32>(loss, score, kl, 0.0), vec4<f32>(penalty - ahead, 0.0, 0.0, 0.0));
}
