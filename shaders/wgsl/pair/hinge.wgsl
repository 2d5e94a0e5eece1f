// Hinge link; at the kink the slope is 0.

struct Params {
    pad0: u32,
    pad1: u32,
    pad2: u32,
    pad3: u32,
}

fn link(params: Params, beta: f32, w: f32, l: f32) -> Link {
    let loss = max(1.0 - beta * (w - l), 0.0);
    let slope = select(0.0, -beta, loss > 0.0);
    return Link(loss, slope, -slope);
}
