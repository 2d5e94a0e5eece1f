// The hyperbolic tangent: the built-in may be off by 1e-5 near 0, and is NaN far out on one driver.
//
// Needs bits.wgsl and exp.wgsl.

// x + x^3 p(x^2) near 0, p near-minimax of degree 4; 1 - 2 / (exp(2x) + 1) beyond.
fn bw_tanh(x: f32) -> f32 {
    if (bw_is_nan(x)) {
        return x;
    }
    let a = abs(x);
    if (a < 0.5625) {
        let square = x * x;
        var p = -0.0061936425;
        p = p * square + 0.021018373;
        p = p * square - 0.053840425;
        p = p * square + 0.13332485;
        p = p * square - 0.33333316;
        return x + (square * x) * p;
    }
    var t = 1.0;
    if (a < 9.02) {
        t = 1.0 - 2.0 / (bw_exp(a + a) + 1.0);
    }
    return select(t, -t, x < 0.0);
}
