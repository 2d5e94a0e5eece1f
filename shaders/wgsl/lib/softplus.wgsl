// log(1 + exp(x)). Needs bits.wgsl, exp.wgsl and log.wgsl.

// About x for a large positive x, about exp(x) for a large negative one.
fn bw_softplus(x: f32) -> f32 {
    let y = max(x, 0.0) + bw_log1p(bw_exp(-abs(x)));
    return select(y, x, bw_is_nan(x));
}
