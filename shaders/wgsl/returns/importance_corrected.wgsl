// Corrected errors: inputs are reward, the values before and behind the step and its ratio.

const INPUTS = 4u;
const CONSTANTS = 2u;
const OUTPUTS = 1u;

struct Params {
    pad0: u32,
    pad1: u32,
    pad2: u32,
    pad3: u32,
}

fn delta(s: Step) -> f32 {
    return s.x[0] + s.c.x * s.x[2] - s.x[1];
}

fn pair(params: Params, s: Step) -> vec2<f32> {
    return s.x[3] * vec2<f32>(delta(s), s.c.x * s.c.y);
}

fn finish(params: Params, s: Step, state: vec2<f32>) -> Finished {
    return state_and(state, 0.0);
}

fn slopes(params: Params, s: Step, next: f32) -> array<f32, 5> {
    let rho = s.x[3];
    return array<f32, 5>(rho, -rho, rho * s.c.x, delta(s) + s.c.x * s.c.y * next, 0.0);
}
