// Reverse KL between preference and smoothed label. The slopes of the two logarithms cancel.

struct Params {
    epsilon: f32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

fn link(params: Params, s: Scores) -> Link {
    let e = params.epsilon;
    let p = bw_sigmoid(s.z);
    let q = bw_sigmoid(-s.z);
    let for_w = bw_log_sigmoid(s.z) - bw_log1p(-e);
    let for_l = bw_log_sigmoid(-s.z) - bw_log(e);
    let slope = bw_weigh(p * q, for_w - for_l);
    return of_z(s, bw_weigh(p, for_w) + bw_weigh(q, for_l), slope);
}
