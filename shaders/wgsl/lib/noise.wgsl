// Gumbel and normal numbers out of a word, from + - * alone. Needs bits.wgsl, exp.wgsl, log.wgsl and philox.wgsl.

// Standard Gumbel, -log(-log(1 - v)), in [-2.82, 22.19].
fn bw_gumbel(word: u32) -> f32 {
    return -bw_log(-bw_log1p(-bw_uniform_open(word)));
}

// sqrt(2) erfinv(x) / x as a function of t = -log(1 - x^2) in [0, 21.5]: smooth and never 0, so that a relative error
// holds for small and large numbers alike. Near-minimax of degree 7, within 1.5 units of 2^-23.
fn bw_normal_ratio(t: f32) -> f32 {
    if (t < 3.0) {
        return bw_normal_low(t - 1.5);
    }
    if (t < 8.0) {
        return bw_normal_middle(t - 5.5);
    }
    return bw_normal_high(t - 14.75);
}

fn bw_normal_low(s: f32) -> f32 {
    var p = -1.7542428e-7;
    p = p * s - 6.8925383e-6;
    p = p * s + 3.3157892e-5;
    p = p * s + 0.00025029588;
    p = p * s - 0.0029592125;
    p = p * s + 0.0012446007;
    p = p * s + 0.354066;
    return p * s + 1.7706857;
}

fn bw_normal_middle(s: f32) -> f32 {
    var p = -2.636124e-8;
    p = p * s + 1.1410301e-6;
    p = p * s - 1.1007264e-5;
    p = p * s + 4.308484e-5;
    p = p * s + 0.0003007333;
    p = p * s - 0.009902627;
    p = p * s + 0.29211834;
    return p * s + 3.0898688;
}

fn bw_normal_high(s: f32) -> f32 {
    var p = 1.4578071e-10;
    p = p * s - 7.8811375e-9;
    p = p * s + 1.8891615e-7;
    p = p * s - 4.116935e-6;
    p = p * s + 0.00010172711;
    p = p * s - 0.0031071724;
    p = p * s + 0.18577623;
    return p * s + 5.20272;
}

// Standard normal, +-sqrt(2) erfcinv(v), in [-6.34, 6.34]; the highest bit is the sign. By inversion, since the
// built-in sine and cosine of Box and Muller have three digits.
fn bw_normal(word: u32) -> f32 {
    let v = bw_uniform_open(word << 1u);
    let x = 1.0 - v;
    // 1 - x^2 without x: v (2 - v).
    let magnitude = x * bw_normal_ratio(-bw_log(v * (2.0 - v)));
    return select(magnitude, -magnitude, (word >> 31u) == 1u);
}
