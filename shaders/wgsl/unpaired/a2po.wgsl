// Squared distance of a log-ratio from the reward above the optimal value.

const INPUTS = 1u;
const CONSTANTS = 3u;
const OUTPUTS = 1u;

struct Params {
    beta2: f32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

fn map(params: Params, x: vec4<f32>, c: vec4<f32>) -> Mapped {
    let miss = params.beta2 * (x.x - c.x) - (c.y - c.z);
    return mapped(miss * miss, 2.0 * params.beta2 * miss);
}
