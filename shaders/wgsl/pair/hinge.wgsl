// Hinge link; at the kink the slope is 0.

struct Params {
    pad0: u32,
    pad1: u32,
    pad2: u32,
    pad3: u32,
}

fn link(params: Params, s: Scores) -> Link {
    let loss = max(1.0 - s.z, 0.0);
    return of_z(s, loss, select(0.0, -1.0, loss > 0.0));
}
