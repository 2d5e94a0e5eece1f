// Bradley-Terry reward model with a centring term.

struct Params {
    center: f32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

fn link(params: Params, s: Scores) -> Link {
    let sum = s.w + s.l;
    let pull = 2.0 * params.center * sum;
    let slope = s.beta * bw_sigmoid(-s.z);
    return Link(params.center * (sum * sum) - bw_log_sigmoid(s.z), pull - slope, pull + slope);
}
