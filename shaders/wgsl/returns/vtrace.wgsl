// V-trace: inputs are the values before and behind the step and its reward, constants discount, ratio and lambda.

const INPUTS = 3u;
const CONSTANTS = 3u;
const OUTPUTS = 3u;

struct Params {
    clip_rho: f32,
    clip_pg_rho: f32,
    alpha: f32,
    stop_target_gradients: u32,
}

// The ratio with a share of it clipped.
fn clipped(params: Params, most: f32, rho: f32) -> f32 {
    return params.alpha * min(most, rho) + (1.0 - params.alpha) * rho;
}

fn pair(params: Params, s: Step) -> vec2<f32> {
    let delta = s.x[2] + s.c.x * s.x[1] - s.x[0];
    return vec2<f32>(clipped(params, params.clip_rho, s.c.y) * delta, s.c.x * (s.c.z * clipped(params, 1.0, s.c.y)));
}

fn finish(params: Params, s: Step, state: vec2<f32>) -> Finished {
    let stop = params.stop_target_gradients != 0u;
    let q = s.x[2] + s.c.x * (s.x[1] + s.c.z * state.y);
    let advantage = clipped(params, params.clip_pg_rho, s.c.y) * (q - s.x[0]);
    let direct = array<f32, 5>(select(0.0, -1.0, stop), 0.0, 0.0, 0.0, 0.0);
    return Finished(vec4<f32>(state.x, q, advantage, 0.0), select(1.0, 0.0, stop), direct);
}

fn slopes(params: Params, s: Step, next: f32) -> array<f32, 5> {
    let rho = clipped(params, params.clip_rho, s.c.y);
    return array<f32, 5>(-rho, rho * s.c.x, rho, 0.0, 0.0);
}
