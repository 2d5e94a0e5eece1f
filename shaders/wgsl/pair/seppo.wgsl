// Semi-policy preference optimisation: the second response loses only where the first has improved.

struct Params {
    pad0: u32,
    pad1: u32,
    pad2: u32,
    pad3: u32,
}

fn link(params: Params, s: Scores) -> Link {
    let sign = select(-1.0, 1.0, s.w >= 0.0);
    let x = s.beta * (s.w - sign * s.l);
    let slope = s.beta * bw_sigmoid(-x);
    return Link(bw_softplus(-x), -slope, sign * slope);
}
