// Anchored preference optimisation, zero anchor; sigma(-x) stands for every 1 - sigma(x).

struct Params {
    pad0: u32,
    pad1: u32,
    pad2: u32,
    pad3: u32,
}

fn link(params: Params, s: Scores) -> Link {
    let a = s.beta * s.w;
    let b = s.beta * s.l;
    let loss = bw_sigmoid(-a) + bw_sigmoid(b);
    let d_w = -s.beta * (bw_sigmoid(a) * bw_sigmoid(-a));
    let d_l = s.beta * (bw_sigmoid(b) * bw_sigmoid(-b));
    return Link(loss, d_w, d_l);
}
