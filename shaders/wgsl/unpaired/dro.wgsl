// Squared residual of value, reward and log-ratio, with a gradient for the policy and one for the value.

const INPUTS = 2u;
const CONSTANTS = 2u;
const OUTPUTS = 1u;

struct Params {
    beta: f32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

fn map(params: Params, x: vec4<f32>, c: vec4<f32>) -> Mapped {
    let residual = (x.y - c.y) + params.beta * (x.x - c.x);
    // Twice the residual may be beyond the range where the policy's gradient is not.
    let slopes = vec2<f32>(2.0 * params.beta, 2.0) * residual;
    return Mapped(vec4<f32>(residual * residual, 0.0, 0.0, 0.0), vec4<f32>(slopes, 0.0, 0.0));
}
