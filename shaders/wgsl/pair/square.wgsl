// Squared distance of the margin from 1 / (2 beta).

struct Params {
    pad0: u32,
    pad1: u32,
    pad2: u32,
    pad3: u32,
}

fn link(params: Params, s: Scores) -> Link {
    let miss = (s.z - 0.5) / s.beta;
    return Link(miss * miss, 2.0 * miss, -2.0 * miss);
}
