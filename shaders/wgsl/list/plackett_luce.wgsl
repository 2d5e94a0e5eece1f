// The likelihood of a ranking. One lane goes through the ranks, twice: upwards for the logsumexps of what stands behind
// each rank, downwards for what the choices before it pass on.

const INPUTS = 1u;
const CONSTANTS = 0u;
const OUTPUTS = 1u;
const LEAST = 1u;
const RANKED = true;

struct Params {
    top: u32,
    pad1: u32,
    pad2: u32,
    pad3: u32,
}

// By rank: the item, its score less the logsumexp of all behind it, what reaches it from the choices before.
var<workgroup> order: array<u32, MOST_ITEMS>;
var<workgroup> leads: array<f32, MOST_ITEMS>;
var<workgroup> passed: array<f32, MOST_ITEMS>;

fn list(params: Params, l: List) -> vec2<f32> {
    let choices = select(min(params.top, l.n), l.n, params.top == 0u);
    for (var i = l.lane; i < l.n; i += LANES) {
        order[rank(l, i) - 1u] = i;
    }
    workgroupBarrier();
    if (l.lane == 0u) {
        scan_up(l);
    }
    workgroupBarrier();
    var loss = 0.0;
    for (var k = l.lane; k < l.n; k += LANES) {
        passed[k] = passes(l, k);
        if (k < choices && k + 1u < l.n) {
            loss += bw_softplus(-leads[k]);
        }
    }
    workgroupBarrier();
    if (l.lane == 0u) {
        scan_down(l, choices);
    }
    workgroupBarrier();
    for (var k = l.lane; k < l.n; k += LANES) {
        let own = select(0.0, passes(l, k), k < choices);
        // The last item takes all that reaches it.
        let share = select(bw_sigmoid(leads[k]), 1.0, k + 1u == l.n);
        gradient(l, 0u, order[k], share * passed[k] - own);
    }
    return vec2<f32>(list_total(l.lane, loss), 0.0);
}

// The share of a choice that goes to the items behind rank k.
fn passes(l: List, k: u32) -> f32 {
    return select(bw_sigmoid(-leads[k]), 0.0, k + 1u == l.n);
}

fn scan_up(l: List) {
    var behind = 0.0;
    for (var left = l.n; left > 0u; left -= 1u) {
        let k = left - 1u;
        let score = input(l, 0u, order[k]);
        let last = left == l.n;
        leads[k] = select(score - behind, 0.0, last);
        behind = select(bw_logaddexp(score, behind), score, last);
    }
}

fn scan_down(l: List, choices: u32) {
    var reaches = 0.0;
    for (var k = 0u; k < l.n; k += 1u) {
        let passing = passed[k];
        passed[k] = reaches;
        reaches = passing * (reaches + select(0.0, 1.0, k < choices));
    }
}
