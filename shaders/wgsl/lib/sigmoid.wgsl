// The logistic function and its logarithm. Needs bits.wgsl, exp.wgsl and log.wgsl.

// 1 / (1 + exp(-x)). The other side is bw_sigmoid(-x), never 1 minus this. Subnormal results may be flushed.
//
// What was rounded off e and off 1 + e is put back; abs(d) is d, and keeps compilers from dropping that.
fn bw_sigmoid(x: f32) -> f32 {
    let e = bw_exp_parts(max(-abs(x), -104.0), 0.0);
    let d = 1.0 + e.x;
    let d_rest = (e.x - (abs(d) - 1.0)) + e.y;
    let right = x >= 0.0;
    let y = select(e.x, 1.0, right) / d;
    // 1 / d, as y or as 1 - y: one of the two.
    let w = select(1.0 - y, y, right);
    let sum = y + (select(e.y, 0.0, right) - y * d_rest) * w;
    return select(sum, x, bw_is_nan(x));
}

// log(bw_sigmoid(x)): about x for a large negative x, about -exp(-x) for a large positive one.
fn bw_log_sigmoid(x: f32) -> f32 {
    let y = min(x, 0.0) - bw_log1p(bw_exp(-abs(x)));
    return select(y, x, bw_is_nan(x));
}
