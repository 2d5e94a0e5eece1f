// Two arrays of numbers in sorted order, compared one by one. A number's place is counted, not sorted for.

const INPUTS = 2u;
const CONSTANTS = 0u;
const OUTPUTS = 1u;
const LEAST = 1u;
const RANKED = false;

struct Params {
    beta: f32,
    label_smoothing: f32,
    pad2: u32,
    pad3: u32,
}

// The items by place, from the smallest on.
var<workgroup> above: array<u32, MOST_ITEMS>;
var<workgroup> below: array<u32, MOST_ITEMS>;

fn list(params: Params, l: List) -> vec2<f32> {
    for (var i = l.lane; i < l.n; i += LANES) {
        above[place(l, 0u, i)] = i;
        below[place(l, 1u, i)] = i;
    }
    workgroupBarrier();
    let n = f32(max(l.n, 1u));
    var loss = 0.0;
    for (var p = l.lane; p < l.n; p += LANES) {
        let z = params.beta * (input(l, 0u, above[p]) - input(l, 1u, below[p]));
        let right = 1.0 - params.label_smoothing;
        loss += right * bw_softplus(-z) + params.label_smoothing * bw_softplus(z);
        let slope = params.label_smoothing * bw_sigmoid(z) - right * bw_sigmoid(-z);
        gradient(l, 0u, above[p], params.beta * slope / n);
        gradient(l, 1u, below[p], -(params.beta * slope / n));
    }
    return vec2<f32>(list_total(l.lane, loss) / n, 0.0);
}

// How many items stand before item i: those that are smaller, and equal ones of a smaller index.
fn place(l: List, k: u32, i: u32) -> u32 {
    let own = sort_key(input(l, k, i));
    var before = 0u;
    for (var j = 0u; j < l.n; j += 1u) {
        let other = sort_key(input(l, k, j));
        before += select(0u, 1u, other < own || (other == own && j < i));
    }
    return before;
}

// Integers in the order of the numbers: a device may take small numbers for 0 where it compares them.
fn sort_key(x: f32) -> u32 {
    let bits = bitcast<u32>(x);
    return select(bits | 0x80000000u, ~bits, bits >= 0x80000000u);
}
