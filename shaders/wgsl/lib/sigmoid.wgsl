// The logistic function and its logarithm. Needs bits.wgsl, exp.wgsl and log.wgsl.

// 1 / (1 + exp(-x)). The other side is bw_sigmoid(-x), never 1 minus this.
fn bw_sigmoid(x: f32) -> f32 {
    let e = bw_exp(-abs(x));
    return select(e, 1.0, x >= 0.0) / (1.0 + e);
}

// log(bw_sigmoid(x)): about x for a large negative x, about -exp(-x) for a large positive one.
fn bw_log_sigmoid(x: f32) -> f32 {
    return min(x, 0.0) - bw_log1p(bw_exp(-abs(x)));
}
