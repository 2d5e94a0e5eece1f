// Logistic link, with conservative label smoothing.

struct Params {
    label_smoothing: f32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

fn link(params: Params, beta: f32, w: f32, l: f32) -> Link {
    let e = params.label_smoothing;
    let z = beta * (w - l);
    let loss = -(1.0 - e) * bw_log_sigmoid(z) - bw_weigh(e, bw_log_sigmoid(-z));
    let slope = beta * (e - bw_sigmoid(-z));
    return Link(loss, slope, -slope);
}
