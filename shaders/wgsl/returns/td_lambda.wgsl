// Errors of lambda-returns: inputs are prediction, reward and next value, constants discount and lambda.

const INPUTS = 3u;
const CONSTANTS = 2u;
const OUTPUTS = 2u;

struct Params {
    stop_target_gradients: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

fn pair(params: Params, s: Step) -> vec2<f32> {
    let lambda = select(s.c.y, 0.0, s.last);
    return vec2<f32>(s.x[1] + s.c.x * ((1.0 - lambda) * s.x[2]), s.c.x * lambda);
}

fn finish(params: Params, s: Step, state: vec2<f32>) -> Finished {
    let open = select(1.0, 0.0, params.stop_target_gradients != 0u);
    let direct = array<f32, 5>(-1.0, 0.0, 0.0, 0.0, 0.0);
    return Finished(vec4<f32>(state.x - s.x[0], state.x, 0.0, 0.0), open, direct);
}

// The prediction's slope is direct.
fn slopes(params: Params, s: Step, next: f32) -> array<f32, 5> {
    return array<f32, 5>(0.0, 1.0, s.c.x * (1.0 - select(s.c.y, 0.0, s.last)), 0.0, 0.0);
}
