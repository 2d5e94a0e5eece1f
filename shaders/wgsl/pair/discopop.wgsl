// Log-ratio modulated mix: the exponential part is one exponential of a sum, for it overflows alone.

struct Params {
    tau: f32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

fn link(params: Params, s: Scores) -> Link {
    let x = s.z / params.tau;
    let m = bw_sigmoid(x);
    let rest = bw_sigmoid(-x);
    // log(m exp(-z)), both terms of one sign where z is small.
    let exponent = select(-bw_log1p(bw_exp(-x)) - s.z, bw_weigh(1.0 - params.tau, x) - bw_log1p(bw_exp(x)), x < 0.0);
    let part = bw_exp(exponent);
    let logistic = bw_softplus(-s.z);
    let mixed = (part - bw_weigh(m, logistic)) / params.tau;
    let slope = bw_weigh(rest, mixed - bw_sigmoid(-s.z)) - part;
    return of_z(s, bw_weigh(rest, logistic) + part, slope);
}
