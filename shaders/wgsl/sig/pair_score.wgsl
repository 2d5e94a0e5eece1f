// The score maps of a pair loss: s(u) / n of a log-ratio u and a length n, and its slope.

const SCORE_FORWARD_KL = 1u;
const SCORE_JS = 2u;
const SCORE_ALPHA = 3u;
const SCORE_CLIPPED = 4u;

struct Score {
    value: f32,
    // The slope, over `rest`: as a product it may be beyond f32 where the gradient is not.
    slope: f32,
    rest: f32,
    // What grows with the size of the score even where the score itself is beyond f32.
    size: f32,
}

fn pair_score(u: f32, tokens: f32) -> Score {
    switch args.score {
        case SCORE_FORWARD_KL: {
            return score_power(u, -1.0, tokens);
        }
        case SCORE_JS: {
            return score_js(u, tokens);
        }
        case SCORE_ALPHA: {
            return score_power(u, args.score_coef - 1.0, tokens);
        }
        case SCORE_CLIPPED: {
            let inside = u >= args.score_coef && u <= args.score_cap;
            let held = clamp(u, args.score_coef, args.score_cap);
            return Score(held / tokens, select(0.0, 1.0 / tokens, inside), 1.0, 0.0);
        }
        default: {
            return Score(u / tokens, 1.0 / tokens, 1.0, 0.0);
        }
    }
}

// (exp(c u) - 1) / c, its exponent capped; forward KL is c = -1, the log-ratio itself c = 0.
fn score_power(u: f32, c: f32, tokens: f32) -> Score {
    if (c == 0.0) {
        return Score(u / tokens, 1.0 / tokens, 1.0, 0.0);
    }
    let x = min(c * u, args.score_cap);
    let large = x > 60.0;
    let root = bw_exp(select(x, 0.5 * x, large));
    let slope = select(root, 0.0, c * u > args.score_cap);
    return Score((bw_expm1(x) / c) / tokens, slope / tokens, select(1.0, root, large), x - bw_log(tokens));
}

// log 2 + log sigmoid(u), without the cancellation near 0.
fn score_js(u: f32, tokens: f32) -> Score {
    let s = min(u, 0.0) - bw_log1p(0.5 * bw_expm1(-abs(u)));
    return Score(s / tokens, bw_sigmoid(-u) / tokens, 1.0, 0.0);
}

// The two scores as the link takes them. Where both are beyond f32 the smaller one does not count, so that their
// difference keeps its sign and is no NaN.
fn pair_scores(w: Score, l: Score) -> vec2<f32> {
    let beyond = !bw_is_finite(w.value) && !bw_is_finite(l.value);
    return vec2<f32>(
        select(w.value, 0.0, beyond && w.size <= l.size),
        select(l.value, 0.0, beyond && l.size <= w.size),
    );
}
