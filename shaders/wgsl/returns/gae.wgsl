// Generalised advantage estimation: inputs are reward, discount, lambda and the values before and behind the step.

const INPUTS = 5u;
const CONSTANTS = 0u;
const OUTPUTS = 2u;

struct Params {
    pad0: u32,
    pad1: u32,
    pad2: u32,
    pad3: u32,
}

fn pair(params: Params, s: Step) -> vec2<f32> {
    return vec2<f32>(s.x[0] + s.x[1] * s.x[4] - s.x[3], s.x[1] * s.x[2]);
}

fn finish(params: Params, s: Step, state: vec2<f32>) -> Finished {
    return state_and(state, state.x + s.x[3]);
}

fn slopes(params: Params, s: Step, next: f32) -> array<f32, 5> {
    return array<f32, 5>(1.0, s.x[4] + s.x[2] * next, s.x[1] * next, -1.0, s.x[1]);
}
