// Odds ratio of two mean log-probabilities; from the ratio itself where the loss is small, for its digits.

struct Params {
    pad0: u32,
    pad1: u32,
    pad2: u32,
    pad3: u32,
}

fn link(params: Params, s: Scores) -> Link {
    // Minus what the two probabilities leave.
    let gone_w = bw_expm1(s.w);
    let gone_l = bw_expm1(s.l);
    let relative = bw_exp(s.l - s.w);
    let odds = relative * (gone_w / gone_l);
    if (odds < 1.0) {
        let scale = s.beta / (1.0 + odds);
        return Link(s.beta * bw_log1p(odds), scale * (relative / gone_l), -scale * (odds / gone_l));
    }
    let behind = (s.l - s.w) + (bw_log1mexp(s.w) - bw_log1mexp(s.l));
    let share = s.beta * bw_sigmoid(behind);
    return Link(s.beta * bw_softplus(behind), share / gone_w, -share / gone_l);
}
