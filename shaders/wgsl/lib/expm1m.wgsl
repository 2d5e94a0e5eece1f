// exp(x) - 1 - x without cancellation near 0: the third divergence estimate, k3. Needs bits.wgsl and exp.wgsl.

// Never negative. Below |x| = 1.5e-19 the result x^2 / 2 is subnormal and may be flushed.
fn bw_expm1m(x: f32) -> f32 {
    if (bw_is_nan(x)) {
        return x;
    }
    // x^2 / 2 + x^3 q(x), q near-minimax of degree 7.
    if (x > -0.7 && x < 1.3) {
        var q = 3.5347338e-7;
        q = q * x + 2.72835e-6;
        q = q * x + 2.472905e-5;
        q = q * x + 0.00019845276;
        q = q * x + 0.001388911;
        q = q * x + 0.008333322;
        q = q * x + 0.041666664;
        q = q * x + 0.16666667;
        let square = x * x;
        return 0.5 * square + (square * x) * q;
    }
    if (x > 17.5) {
        // The exponential is infinite from 89 on.
        return bw_exp(x) - (1.0 + min(x, 89.0));
    }
    if (x < -17.5) {
        return -1.0 - x;
    }
    let n = round(x * 1.442695);
    let s = bw_power_of_two(i32(n));
    let scaled = s * bw_exp_tail(bw_exp_rest(x, n));
    // The order that rounds least: on the left (s - 1) - x is exact while the two are of one size.
    return select(scaled + ((s - 1.0) - x), (scaled - x) + (s - 1.0), x > 0.0);
}
