// Logistic link, unbiased under label noise.

struct Params {
    label_smoothing: f32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

fn link(params: Params, beta: f32, w: f32, l: f32) -> Link {
    let e = params.label_smoothing;
    let norm = 1.0 - 2.0 * e;
    let z = beta * (w - l);
    let loss = (bw_weigh(e, bw_log_sigmoid(-z)) - (1.0 - e) * bw_log_sigmoid(z)) / norm;
    let slope = -beta * (((1.0 - e) * bw_sigmoid(-z) + e * bw_sigmoid(z)) / norm);
    return Link(loss, slope, -slope);
}
