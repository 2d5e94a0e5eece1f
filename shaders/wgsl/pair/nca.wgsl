// Noise-contrastive alignment of pairs.

struct Params {
    pad0: u32,
    pad1: u32,
    pad2: u32,
    pad3: u32,
}

fn link(params: Params, s: Scores) -> Link {
    let a = s.beta * s.w;
    let b = s.beta * s.l;
    let loss = -bw_log_sigmoid(a) - 0.5 * (bw_log_sigmoid(-a) + bw_log_sigmoid(-b));
    let d_w = s.beta * (0.5 * bw_sigmoid(a) - bw_sigmoid(-a));
    let d_l = s.beta * (0.5 * bw_sigmoid(b));
    return Link(loss, d_w, d_l);
}
