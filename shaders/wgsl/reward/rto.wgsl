// Token rewards: constants are the log-probabilities of reference and DPO policy, and the score.

const INPUTS = 1u;
const CONSTANTS = 3u;
const OUTPUTS = 2u;

struct Params {
    dpo_scale: f32,
    kl_coef: f32,
    dpo_clip: f32,
    score_clip: f32,
}

fn clip(x: f32, most: f32) -> f32 {
    return select(clamp(x, -most, most), x, most == 0.0);
}

fn pair(params: Params, s: Step) -> vec2<f32> {
    return vec2<f32>(select(0.0, clip(s.c.z, params.score_clip), s.last), 0.0);
}

fn finish(params: Params, s: Step, state: vec2<f32>) -> Finished {
    let kl = s.x[0] - s.c.x;
    let implied = clip(params.dpo_scale * (s.c.y - s.c.x), params.dpo_clip);
    let direct = array<f32, 5>(-params.kl_coef, 0.0, 0.0, 0.0, 0.0);
    return Finished(vec4<f32>(implied - params.kl_coef * kl + state.x, kl, 0.0, 0.0), 0.0, direct);
}

fn slopes(params: Params, s: Step, next: f32) -> array<f32, 5> {
    return array<f32, 5>();
}
