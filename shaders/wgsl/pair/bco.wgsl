// Binary classifier optimisation of pairs.

struct Params {
    delta: f32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

fn link(params: Params, s: Scores) -> Link {
    let a = s.beta * s.w - params.delta;
    let b = s.beta * s.l - params.delta;
    let loss = -bw_log_sigmoid(a) - bw_log_sigmoid(-b);
    return Link(loss, -s.beta * bw_sigmoid(-a), s.beta * bw_sigmoid(b));
}
