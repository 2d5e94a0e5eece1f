// Minus the squared error of a denoising step.

const INPUTS = 1u;
const CONSTANTS = 1u;
const OUTPUTS = 1u;

struct Params {
    pad0: u32,
    pad1: u32,
    pad2: u32,
    pad3: u32,
}

fn map(params: Params, x: vec4<f32>, c: vec4<f32>) -> Mapped {
    let error = x.x - c.x;
    return mapped(-(error * error), -2.0 * error);
}
