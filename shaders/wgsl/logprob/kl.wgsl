// Both KL divergences of two rows of logits, from the moments of one traversal.

struct Params {
    // logit_scale / temperature; with soft-capping softcap / temperature.
    scale: f32,
    // logit_scale / softcap; 0: no soft-capping.
    squeeze: f32,
    pad0: u32,
    pad1: u32,
}

// Forward and reverse divergence, and the entropy.
fn kl_planes(norms: Norms, sums: vec2<f32>, moment: f32, cross: vec2<f32>) -> vec3<f32> {
    let rise = norms.log_sum - norms.ref_log_sum;
    return vec3<f32>(rise - cross.y / sums.y, cross.x / sums.x - rise, norms.log_sum - moment / sums.x);
}

// Whether a gradient is asked for that does not exist: that of an infinite divergence by its first argument.
fn row_gradient_lost(params: Params, own: vec3<f32>, up: vec4<f32>, by_reference: bool) -> bool {
    let reverse = bw_is_infinite(own.y) && up.z != 0.0;
    let forward = bw_is_infinite(own.x) && up.y != 0.0;
    return select(reverse, forward, by_reference);
}

// The gradient of one token by its policy's or its reference's scaled logit; log-probability left out.
fn row_gradient(params: Params, own: vec3<f32>, up: vec4<f32>, t: Seen, by_reference: bool) -> f32 {
    let difference = pair_difference(t);
    if (by_reference) {
        let forward = bw_weigh(up.y, t.q * (-t.ratio - own.x));
        return forward - up.z * difference;
    }
    let reverse = bw_weigh(up.z, t.p * (t.ratio - own.y));
    let spread = t.p * (max(t.log_p, -104.0) + own.z);
    return (up.y * difference + reverse) - up.w * spread;
}
