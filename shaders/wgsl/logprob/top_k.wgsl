// Mass and entropy of the largest logits of a row, and their gradients.

// Of the largest logits x, with d = x - top: the sum of exp(d), the 1 of the first left out, and that of d exp(d).
struct TopSums {
    rest: f32,
    moment: f32,
}

struct TopPlanes {
    mass: f32,
    entropy: f32,
}

// What the gradient of a row starts from, its logits aside.
struct TopSaved {
    mass: f32,
    log_mass: f32,
    entropy: f32,
}

fn top_term(d: f32, first: bool) -> TopSums {
    let step = max(d, ROW_FLOOR);
    let e = bw_exp(step);
    return TopSums(select(e, 0.0, first), step * e);
}

fn top_add(a: TopSums, b: TopSums) -> TopSums {
    return TopSums(a.rest + b.rest, a.moment + b.moment);
}

// Where every token is among the largest, both sums are of the same terms: the quotient is 1.
fn top_planes(params: Params, row: Row, log_sum: f32, sums: TopSums) -> TopPlanes {
    let every = row.allowed <= f32(params.k);
    let sum = 1.0 + sums.rest;
    let log_own = bw_log1p(sums.rest);
    let mass = select(min(sum / (1.0 + row.rest), 1.0), 1.0, every);
    let log_mass = select(min(log_own - log_sum, 0.0), 0.0, every);
    let entropy = log_own - sums.moment / sum;
    return TopPlanes(mass, select(entropy, mass * (entropy - log_mass), params.truncated != 0u));
}

// The derivative of the entropy by the x of log-probability q; `member` where it is one of the largest.
fn top_entropy_slope(params: Params, saved: TopSaved, q: f32, member: bool) -> f32 {
    if (params.truncated != 0u) {
        let by = select(saved.mass - saved.entropy, (saved.mass - 1.0) - (saved.entropy + q), member);
        return bw_exp(q) * by;
    }
    let share = q - saved.log_mass;
    return select(0.0, -bw_exp(share) * (share + saved.entropy), member);
}
