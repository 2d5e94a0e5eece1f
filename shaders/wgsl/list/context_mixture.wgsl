// The likelihood of a preference, marginalised over contexts.

const INPUTS = 2u;
const CONSTANTS = 0u;
const OUTPUTS = 1u;
const LEAST = 1u;
const RANKED = false;

struct Params {
    pad0: u32,
    pad1: u32,
    pad2: u32,
    pad3: u32,
}

fn list(params: Params, l: List) -> vec2<f32> {
    var top = -BW_LARGEST;
    for (var i = l.lane; i < l.n; i += LANES) {
        top = max(top, joint(l, i));
    }
    top = list_largest(l.lane, top);
    var sum = 0.0;
    for (var i = l.lane; i < l.n; i += LANES) {
        sum += bw_exp(joint(l, i) - top);
    }
    sum = list_total(l.lane, sum);
    for (var i = l.lane; i < l.n; i += LANES) {
        let share = bw_exp(joint(l, i) - top) / sum;
        gradient(l, 0u, i, -share * bw_sigmoid(-input(l, 0u, i)));
        gradient(l, 1u, i, -share);
    }
    return vec2<f32>(-(top + bw_log(sum)), 0.0);
}

// The logarithm of a context's probability, times that of the preference in it.
fn joint(l: List, i: u32) -> f32 {
    return input(l, 1u, i) + bw_log_sigmoid(input(l, 0u, i));
}
