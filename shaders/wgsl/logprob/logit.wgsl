// A logit scaled and capped: `scale` and `squeeze` are the first two parameters of every operator that reads logits.

// A logit as the row sees it. NaN and infinities keep their bits.
fn row_logit(params: Params, logit: f32) -> f32 {
    var x = logit * params.scale;
    if (params.squeeze != 0.0) {
        x = params.scale * bw_tanh(logit * params.squeeze);
    }
    return select(logit, x, bw_is_finite(logit));
}

// Its derivative by the logit.
fn row_logit_slope(params: Params, logit: f32) -> f32 {
    if (params.squeeze == 0.0) {
        return params.scale;
    }
    let t = bw_tanh(logit * params.squeeze);
    return (params.scale * params.squeeze) * ((1.0 - t) * (1.0 + t));
}
