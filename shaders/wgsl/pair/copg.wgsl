// Contrastive policy gradient as a regression.

struct Params {
    pad0: u32,
    pad1: u32,
    pad2: u32,
    pad3: u32,
}

fn link(params: Params, s: Scores) -> Link {
    return Link(0.5 * (s.z * s.z) / s.beta, s.z, -s.z);
}
