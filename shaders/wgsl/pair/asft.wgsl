// Aligned supervised fine-tuning on mean log-probabilities.

struct Params {
    lambda: f32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

fn link(params: Params, s: Scores) -> Link {
    let rise = 1.0 + params.lambda;
    let loss = -rise * s.w - bw_weigh(params.lambda, bw_log1mexp(s.l));
    return Link(loss, -rise, bw_weigh(params.lambda, 1.0 / bw_expm1(-s.l)));
}
