// log(exp(a) + exp(b)), and the sum of exponentials that is carried along a row.
//
// Needs bits.wgsl, exp.wgsl and log.wgsl.

// exp(low - high) for low <= high; in y, what was rounded off. The rounding of the difference is put back.
// Equal arguments, infinities too, give 1.
fn bw_exp_relative(low: f32, high: f32) -> vec2<f32> {
    let swap = abs(high) > abs(low);
    let large = select(low, -high, swap);
    let small = select(-high, low, swap);
    // Never positive: the absolute value changes nothing, and keeps compilers from dropping the correction below.
    let d = -abs(large + small);
    // Beyond -104 the result is 0, and the rest may be no number.
    let far = d <= -104.0 || bw_is_minus_infinity(low);
    let rest = select(small - (d - large), 0.0, far);
    let y = select(bw_exp_parts(clamp(d, -104.0, 0.0), rest), vec2<f32>(0.0), far);
    return select(y, vec2<f32>(1.0, 0.0), bitcast<u32>(low) == bitcast<u32>(high));
}

// Near exp(a) + exp(b) = 1 the two terms cancel: the error is counted in units of the largest of result and terms.
fn bw_logaddexp(a: f32, b: f32) -> f32 {
    if (bw_is_nan(a)) {
        return a;
    }
    if (bw_is_nan(b)) {
        return b;
    }
    let high = select(a, b, b > a);
    let low = select(b, a, b > a);
    let e = bw_exp_relative(low, high);
    let term = bw_log1p(e.x);
    let sum = high + term;
    let swap = term > abs(high);
    let rest = select(term, high, swap) - (sum - select(high, term, swap));
    // The slope of log(1 + e) is 1 / (1 + e), which the line meets at 0 and 1: enough for a rest.
    return select(sum, sum + (rest + e.y * (1.0 - 0.5 * e.x)), bw_is_finite(sum));
}

// sum * exp(top): a sum of exponentials relative to the largest exponent. Empty where the sum is 0, whatever top is.
struct LogSumExp {
    top: f32,
    sum: f32,
}

fn bw_lse_empty() -> LogSumExp {
    return LogSumExp(-BW_LARGEST, 0.0);
}

fn bw_lse_of(x: f32) -> LogSumExp {
    return LogSumExp(x, 1.0);
}

fn bw_lse_is_nan(s: LogSumExp) -> bool {
    return bw_is_nan(s.top) || bw_is_nan(s.sum);
}

// An empty state changes nothing, to the bit; a NaN in either stays.
fn bw_lse_merge(a: LogSumExp, b: LogSumExp) -> LogSumExp {
    if (bw_lse_is_nan(a)) {
        return a;
    }
    if (bw_lse_is_nan(b) || a.sum == 0.0) {
        return b;
    }
    if (b.sum == 0.0) {
        return a;
    }
    let rises = b.top > a.top;
    let top = select(a.top, b.top, rises);
    let high = select(a.sum, b.sum, rises);
    let low = select(b.sum, a.sum, rises);
    let e = bw_exp_relative(select(b.top, a.top, rises), top);
    // abs(low) is low: compilers would draw it out, and drop the correction.
    return LogSumExp(top, high + (low * e.x + abs(low) * e.y));
}

// log(sum * exp(top)); minus infinity of the empty state.
fn bw_lse_value(s: LogSumExp) -> f32 {
    return select(s.top + bw_log(s.sum), bw_log(s.sum), s.sum == 0.0);
}
