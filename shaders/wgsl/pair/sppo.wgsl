// Self-play preference optimisation with hard labels.

struct Params {
    pad0: u32,
    pad1: u32,
    pad2: u32,
    pad3: u32,
}

fn link(params: Params, s: Scores) -> Link {
    let aim = 0.5 / s.beta;
    let miss_w = s.w - aim;
    let miss_l = s.l + aim;
    return Link(miss_w * miss_w + miss_l * miss_l, 2.0 * miss_w, 2.0 * miss_l);
}
