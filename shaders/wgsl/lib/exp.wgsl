// exp and expm1 from + - * alone, within 1 and 1.6 units in the last place: the built-ins lose every digit near 0.
//
// x = n ln 2 + r with |r| <= ln 2 / 2, and exp(x) = 2^n (1 + q(r)). Needs bits.wgsl.

// ln 2 in two parts: the first has 9 bits, so that n times it is exact.
const BW_LN2_HIGH = 0.693359375;
const BW_LN2_LOW = -0.00021219444;

// 2^n for n in -126..=127, from its bits.
fn bw_power_of_two(n: i32) -> f32 {
    return bitcast<f32>(u32(n + 127) << 23u);
}

// r of x = n ln 2 + r.
fn bw_exp_rest(x: f32, n: f32) -> f32 {
    return (x - n * BW_LN2_HIGH) - n * BW_LN2_LOW;
}

// exp(r) - 1 for |r| <= ln 2 / 2: r + r^2 p(r), p near-minimax of degree 5.
fn bw_exp_tail(r: f32) -> f32 {
    var p = 0.00019914506;
    p = p * r + 0.0013941196;
    p = p * r + 0.0083332723;
    p = p * r + 0.04166635;
    p = p * r + 0.16666667;
    p = p * r + 0.5;
    // A maximum that changes nothing, since exp(r) - 1 > -0.3: it keeps the compilers tried from reassociating.
    return max(r + (r * r) * p, -0.5);
}

// e * 2^n in two steps, since 2^n itself may be out of range where the result is not.
fn bw_exp_raise(e: f32, n: f32) -> f32 {
    let whole = i32(n);
    let half = whole >> 1u;
    return (e * bw_power_of_two(half)) * bw_power_of_two(whole - half);
}

// 0 below -104; infinity where the result exceeds the largest f32; NaN stays NaN. Subnormal results may be flushed.
fn bw_exp(x: f32) -> f32 {
    let held = clamp(x, -104.0, 89.0);
    let n = round(held * 1.442695);
    let y = bw_exp_raise(1.0 + bw_exp_tail(bw_exp_rest(held, n)), n);
    return select(y, x, bw_is_nan(x));
}

// exp(x + low) for -104 <= x <= 89 and a low of at most half a unit in the last place of x; in y, what was rounded off.
//
// abs(high) is high; compilers that do not know it keep the correction.
fn bw_exp_parts(x: f32, low: f32) -> vec2<f32> {
    let n = round(x * 1.442695);
    let q = bw_exp_tail(bw_exp_rest(x, n) + low);
    let high = 1.0 + q;
    return vec2<f32>(bw_exp_raise(high, n), bw_exp_raise(q - (abs(high) - 1.0), n));
}

// exp(x) - 1 with all its digits near 0.
fn bw_expm1(x: f32) -> f32 {
    if (x > 17.5) {
        return bw_exp(x) - 1.0;
    }
    let held = clamp(x, -17.5, 17.5);
    let n = round(held * 1.442695);
    let q = bw_exp_tail(bw_exp_rest(held, n));
    let s = bw_power_of_two(i32(n));
    let y = select(s * q + (s - 1.0), q, n == 0.0);
    return select(select(y, -1.0, x < -17.5), x, bw_is_nan(x));
}
