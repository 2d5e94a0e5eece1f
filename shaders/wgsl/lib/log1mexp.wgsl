// log(1 - exp(x)) for x < 0: the logarithm of what a probability of logarithm x leaves.
//
// Needs bits.wgsl, exp.wgsl and log.wgsl.

// Minus infinity at 0, NaN above.
fn bw_log1mexp(x: f32) -> f32 {
    if (bw_is_nan(x)) {
        return x;
    }
    if (abs(x) < 0x1p-25f) {
        // From bits, so that a flushed subnormal does not become minus infinity.
        return bw_log(bitcast<f32>(bitcast<u32>(x) ^ 0x80000000u));
    }
    if (x > -0.6931472) {
        return bw_log(-bw_expm1(x));
    }
    return bw_log1p(-bw_exp(x));
}
