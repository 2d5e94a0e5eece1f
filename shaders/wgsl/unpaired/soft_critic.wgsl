// Cross-entropy of a logit with a soft target: what is certain of the loss is |z| times the share of the other side.

const INPUTS = 1u;
const CONSTANTS = 1u;
const OUTPUTS = 1u;

struct Params {
    pad0: u32,
    pad1: u32,
    pad2: u32,
    pad3: u32,
}

fn map(params: Params, x: vec4<f32>, c: vec4<f32>) -> Mapped {
    let size = abs(x.x);
    let right = x.x > 0.0;
    // How much of the target lies on the other side of the logit.
    let against = select(c.x, 1.0 - c.x, right);
    let slope = against - bw_sigmoid(-size);
    return mapped(against * size + bw_log1p(bw_exp(-size)), select(-slope, slope, right));
}
