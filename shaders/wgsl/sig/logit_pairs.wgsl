// What all kernels of LogitPairs share: what a token's two logits say.

// Below any logarithm that matters, and the difference of two of these is finite.
const PAIR_FAR = -1e38;

// Both rows' largest logit, and the logarithm of the sum of exponentials relative to it.
struct Norms {
    top: f32,
    log_sum: f32,
    ref_top: f32,
    ref_log_sum: f32,
}

// A token under both rows: logarithms, log p - log q, probabilities. Of a banned token: far below, and 0.
struct Seen {
    log_p: f32,
    log_q: f32,
    ratio: f32,
    p: f32,
    q: f32,
}

fn pair_see(norms: Norms, x: f32, r: f32) -> Seen {
    let banned = bw_is_minus_infinity(x);
    let ref_banned = bw_is_minus_infinity(r);
    let d = select(max(x - norms.top, PAIR_FAR), PAIR_FAR, banned);
    let e = select(max(r - norms.ref_top, PAIR_FAR), PAIR_FAR, ref_banned);
    let log_p = d - norms.log_sum;
    let log_q = e - norms.ref_log_sum;
    // Nearly equal rows: the difference of what is relative to each row's maximum keeps its digits.
    let ratio = (d - e) - (norms.log_sum - norms.ref_log_sum);
    return Seen(log_p, log_q, ratio, bw_exp(log_p), bw_exp(log_q));
}

// p - q, with its digits where the two are nearly equal.
fn pair_difference(t: Seen) -> f32 {
    return select(t.p - t.q, t.q * bw_expm1(min(t.ratio, 1.0)), t.ratio < 1.0);
}

// Plus infinity, from bits that are known at run time: a constant one is an error of compilation.
fn pair_infinity(v: u32) -> f32 {
    return bitcast<f32>(0x7f800000u | (v & 0u));
}
