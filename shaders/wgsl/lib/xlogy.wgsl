// x log(y), 0 where x is 0 whatever y is, a NaN excepted. Needs bits.wgsl, exp.wgsl and log.wgsl.
fn bw_xlogy(x: f32, y: f32) -> f32 {
    if (bw_is_nan(y)) {
        return y;
    }
    if (bw_is_nan(x)) {
        return x;
    }
    return select(x * bw_log(y), 0.0, x == 0.0);
}
