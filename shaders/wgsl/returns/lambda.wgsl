// Lambda-returns: what is behind the last step is its value, so lambda does not matter there.

const INPUTS = 4u;
const CONSTANTS = 0u;
const OUTPUTS = 1u;

struct Params {
    pad0: u32,
    pad1: u32,
    pad2: u32,
    pad3: u32,
}

fn pair(params: Params, s: Step) -> vec2<f32> {
    if (s.last) {
        return vec2<f32>(s.x[0] + s.x[1] * s.x[3], 0.0);
    }
    let kept = 1.0 - s.x[2];
    return vec2<f32>(s.x[0] + s.x[1] * (kept * s.x[3]), s.x[1] * s.x[2]);
}

fn finish(params: Params, s: Step, state: vec2<f32>) -> Finished {
    return state_and(state, 0.0);
}

fn slopes(params: Params, s: Step, next: f32) -> array<f32, 5> {
    let lambda = select(s.x[2], 0.0, s.last);
    let kept = 1.0 - lambda;
    let by_lambda = select(s.x[1] * (next - s.x[3]), 0.0, s.last);
    return array<f32, 5>(1.0, kept * s.x[3] + lambda * next, by_lambda, s.x[1] * kept, 0.0);
}
