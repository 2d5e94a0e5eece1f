// Returns off policy: inputs are prediction, reward, next action value, next expected value and trace.

const INPUTS = 5u;
const CONSTANTS = 1u;
const OUTPUTS = 2u;

struct Params {
    stop_target_gradients: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

// Nothing is behind the last step, so its trace leads nowhere.
fn trace(s: Step) -> f32 {
    return select(s.x[4], 0.0, s.last);
}

fn pair(params: Params, s: Step) -> vec2<f32> {
    let c = trace(s);
    return vec2<f32>(s.x[1] + s.c.x * (s.x[3] - c * s.x[2]), s.c.x * c);
}

fn finish(params: Params, s: Step, state: vec2<f32>) -> Finished {
    let open = select(1.0, 0.0, params.stop_target_gradients != 0u);
    let direct = array<f32, 5>(-1.0, 0.0, 0.0, 0.0, 0.0);
    return Finished(vec4<f32>(state.x - s.x[0], state.x, 0.0, 0.0), open, direct);
}

fn slopes(params: Params, s: Step, next: f32) -> array<f32, 5> {
    let by_trace = select(s.c.x * (next - s.x[2]), 0.0, s.last);
    return array<f32, 5>(0.0, 1.0, -s.c.x * trace(s), s.c.x, by_trace);
}
