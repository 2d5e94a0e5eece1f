// Likelihood weighted with its own probability, which is a constant to the gradient.

const INPUTS = 1u;
const CONSTANTS = 0u;
const OUTPUTS = 1u;

struct Params {
    pad0: u32,
    pad1: u32,
    pad2: u32,
    pad3: u32,
}

fn map(params: Params, x: vec4<f32>, c: vec4<f32>) -> Mapped {
    let p = bw_exp(x.x);
    return mapped(-p * x.x, -p);
}
