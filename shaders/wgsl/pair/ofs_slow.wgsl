// Online fast-slow DPO, the slow module.

struct Params {
    alpha: f32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

fn link(params: Params, s: Scores) -> Link {
    let own = s.beta * (s.w - s.l);
    let slope = -s.beta * (bw_sigmoid(-own) + params.alpha * bw_sigmoid(s.z));
    return Link(bw_softplus(-own) - params.alpha * bw_softplus(s.z), slope, -slope);
}
