// The error of one step.

const INPUTS = 3u;
const CONSTANTS = 1u;
const OUTPUTS = 1u;

struct Params {
    stop_target_gradients: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

fn map(params: Params, x: vec4<f32>, c: vec4<f32>) -> Mapped {
    let error = x.y + c.x * x.z - x.x;
    let open = select(1.0, 0.0, params.stop_target_gradients != 0u);
    return Mapped(vec4<f32>(error, 0.0, 0.0, 0.0), vec4<f32>(-1.0, open, open * c.x, 0.0));
}
