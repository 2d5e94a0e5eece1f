// log and log1p from + - * alone, within 1 and 1.5 units in the last place: the built-in has no digit left near 1.
//
// x = 2^k (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)]. Needs bits.wgsl and exp.wgsl.

// The bits of sqrt(1/2), where the mantissa is split.
const BW_HALF_ROOT = 0x3f3504f3u;

// k ln 2 + log(1 + f): f - f^2/2 + f^3 q(f), q near-minimax of degree 8; small parts first.
fn bw_log_sum(f: f32, k: f32) -> f32 {
    var q = 0.069171965;
    q = q * f - 0.11787103;
    q = q * f + 0.11870576;
    q = q * f - 0.12384702;
    q = q * f + 0.14219074;
    q = q * f - 0.1666924;
    q = q * f + 0.20002203;
    q = q * f - 0.24999987;
    q = q * f + 0.3333331;
    let square = f * f;
    let small = (square * f) * q + k * BW_LN2_LOW;
    return k * BW_LN2_HIGH + (f - (0.5 * square - small));
}

// Minus infinity at 0, NaN below; infinity and NaN stay what they are.
fn bw_log(x: f32) -> f32 {
    let bits = bitcast<u32>(x);
    if ((bits & 0x7fffffffu) == 0u) {
        return bitcast<f32>(0xff800000u | bits);
    }
    if (bits > 0x7f800000u) {
        return bw_nan(bits);
    }
    if (bits == 0x7f800000u) {
        return x;
    }
    // Subnormal numbers are normalised as integers, since a device may flush them.
    let lift = select(0u, countLeadingZeros(bits) - 8u, bits < 0x00800000u);
    let shifted = (bits << lift) + (0x3f800000u - BW_HALF_ROOT);
    let k = i32(shifted >> 23u) - 127 - i32(lift);
    let m = bitcast<f32>((shifted & 0x007fffffu) + BW_HALF_ROOT);
    return bw_log_sum(m - 1.0, f32(k));
}

// log(1 + x) with all its digits near 0.
fn bw_log1p(x: f32) -> f32 {
    if (bw_is_nan(x) || abs(x) < 0x1p-25f) {
        return x;
    }
    if (x > -0.29289 && x < 0.41421) {
        return bw_log_sum(x, 0.0);
    }
    let u = 1.0 + x;
    // 1 + x rounds to itself or to x from here on, or is not positive.
    if (!(u > 0.0) || x > 0x1p60f) {
        return bw_log(u);
    }
    let k = i32((bitcast<u32>(u) + (0x3f800000u - BW_HALF_ROOT)) >> 23u) - 127;
    // 2^-k (1 + x) - 1 with one rounding, from x and not from the rounded sum.
    let s = bw_power_of_two(-k);
    return bw_log_sum(x * s + (s - 1.0), f32(k));
}
