// The spread of the regularised rewards of a list.

const INPUTS = 1u;
const CONSTANTS = 1u;
const OUTPUTS = 1u;
const LEAST = 2u;
const RANKED = false;

struct Params {
    beta: f32,
    pad1: u32,
    pad2: u32,
    pad3: u32,
}

fn list(params: Params, l: List) -> vec2<f32> {
    let k = f32(max(l.n, 2u));
    let rise = k / (k - 1.0);
    var sum = 0.0;
    for (var i = l.lane; i < l.n; i += LANES) {
        sum += regularised(params, l, i);
    }
    let mean = list_total(l.lane, sum) / k;
    var squares = 0.0;
    for (var i = l.lane; i < l.n; i += LANES) {
        let apart = regularised(params, l, i) - mean;
        squares += apart * apart;
        gradient(l, 0u, i, -2.0 * params.beta * (rise * apart));
    }
    return vec2<f32>(rise * list_total(l.lane, squares), 0.0);
}

fn regularised(params: Params, l: List, i: u32) -> f32 {
    return constant(l, 0u, i) - params.beta * input(l, 0u, i);
}
