// Squared distance of the margin from 1 / (2 beta).

struct Params {
    pad0: u32,
    pad1: u32,
    pad2: u32,
    pad3: u32,
}

fn link(params: Params, beta: f32, w: f32, l: f32) -> Link {
    let miss = (w - l) - 0.5 / beta;
    let slope = 2.0 * miss;
    return Link(miss * miss, slope, -slope);
}
