// The mean log-ratio of samples, and a score-function gradient with the other samples' mean as baseline.

const INPUTS = 1u;
const CONSTANTS = 1u;
const OUTPUTS = 1u;
const LEAST = 2u;
const RANKED = false;

struct Params {
    pad0: u32,
    pad1: u32,
    pad2: u32,
    pad3: u32,
}

fn list(params: Params, l: List) -> vec2<f32> {
    let k = f32(max(l.n, 2u));
    var sum = 0.0;
    for (var i = l.lane; i < l.n; i += LANES) {
        sum += log_ratio(l, i);
    }
    let mean = list_total(l.lane, sum) / k;
    for (var i = l.lane; i < l.n; i += LANES) {
        gradient(l, 0u, i, (log_ratio(l, i) - mean) / (k - 1.0));
    }
    return vec2<f32>(mean, 0.0);
}

fn log_ratio(l: List, i: u32) -> f32 {
    return input(l, 0u, i) - constant(l, 0u, i);
}
