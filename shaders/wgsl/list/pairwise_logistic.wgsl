// The logistic loss of all pairs of a list. A lane takes an item against all others: what it wins is its share of the
// loss, and both what it wins and what it loses its gradient.

const INPUTS = 1u;
const CONSTANTS = 1u;
const OUTPUTS = 1u;
const LEAST = 1u;
const RANKED = true;
const BLOCK = 16u;

struct Params {
    unit: u32,
    pad1: u32,
    pad2: u32,
    pad3: u32,
}

// ln(1 + rank) of each item.
var<workgroup> depths: array<f32, MOST_ITEMS>;

fn list(params: Params, l: List) -> vec2<f32> {
    for (var i = l.lane; i < l.n; i += LANES) {
        depths[i] = bw_log(1.0 + f32(rank(l, i)));
    }
    workgroupBarrier();
    var loss = 0.0;
    for (var i = l.lane; i < l.n; i += LANES) {
        let sums = against_all(params, l, i);
        loss += sums.x;
        gradient(l, 0u, i, sums.y);
    }
    return vec2<f32>(list_total(l.lane, loss), 0.0);
}

// The loss of the pairs that item i wins, and its slope in all: blocks of 16, and blocks of those.
fn against_all(params: Params, l: List, i: u32) -> vec2<f32> {
    var total = vec2<f32>(0.0);
    for (var far = 0u; far < l.n; far += BLOCK * BLOCK) {
        var outer = vec2<f32>(0.0);
        for (var near = far; near < min(l.n, far + BLOCK * BLOCK); near += BLOCK) {
            var inner = vec2<f32>(0.0);
            for (var j = near; j < min(l.n, near + BLOCK); j += 1u) {
                inner += against(params, l, i, j);
            }
            outer += inner;
        }
        total += outer;
    }
    return total;
}

fn against(params: Params, l: List, i: u32, j: u32) -> vec2<f32> {
    let ahead = constant(l, 0u, i) - constant(l, 0u, j);
    if (ahead == 0.0) {
        return vec2<f32>(0.0);
    }
    let lambda = select(abs(ahead) * discount(l, i, j), 1.0, params.unit != 0u);
    let margin = input(l, 0u, i) - input(l, 0u, j);
    if (ahead > 0.0) {
        return vec2<f32>(lambda * bw_softplus(-margin), -lambda * bw_sigmoid(-margin));
    }
    return vec2<f32>(0.0, lambda * bw_sigmoid(margin));
}

// |1/ln(1 + a) - 1/ln(1 + b)| of two ranks: the difference of the logarithms over their product.
fn discount(l: List, i: u32, j: u32) -> f32 {
    let a = f32(rank(l, i));
    let b = f32(rank(l, j));
    return bw_log1p(abs(a - b) / (1.0 + min(a, b))) / (depths[i] * depths[j]);
}
