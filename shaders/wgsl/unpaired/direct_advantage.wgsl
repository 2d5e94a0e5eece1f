// Squared distance of a log-ratio from an advantage.

const INPUTS = 1u;
const CONSTANTS = 2u;
const OUTPUTS = 1u;

struct Params {
    beta: f32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

fn map(params: Params, x: vec4<f32>, c: vec4<f32>) -> Mapped {
    let miss = c.y / params.beta - (x.x - c.x);
    return mapped((0.5 * miss) * miss, -miss);
}
