// Anchored preference optimisation, downward; sigma(-x) stands for every 1 - sigma(x).

struct Params {
    pad0: u32,
    pad1: u32,
    pad2: u32,
    pad3: u32,
}

fn link(params: Params, s: Scores) -> Link {
    let a = s.beta * s.w;
    let apart = s.beta * (bw_sigmoid(s.z) * bw_sigmoid(-s.z));
    let d_w = s.beta * (bw_sigmoid(a) * bw_sigmoid(-a)) - apart;
    return Link(bw_sigmoid(a) + bw_sigmoid(-s.z), d_w, apart);
}
