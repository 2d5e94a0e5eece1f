// What one traversal of both rows leaves: running maxima, sums of exponentials, and moments of the difference of the
// logits under each row.

// Of the logits x seen so far: the largest, and with d = x - top the sum of exp(d) over all but one of the largest, and
// of d exp(d). The same of the reference's logits r, with e = r - ref_top. Then the sums of (d - e) exp(d) and of
// (d - e) exp(e) over tokens that both rows allow.
struct Row {
    top: f32,
    rest: f32,
    ref_top: f32,
    ref_rest: f32,
    moment: f32,
    cross: f32,
    ref_cross: f32,
}

// What a few tokens add to a row: sums over those below `top`, how many are equal to it.
struct RowTerms {
    below: f32,
    equal: f32,
    ref_below: f32,
    ref_equal: f32,
    moment: f32,
    cross: f32,
    ref_cross: f32,
}

// The row that has seen nothing: the sums of its exponentials, 1 + rest, are 0.
fn row_empty() -> Row {
    return Row(-BW_LARGEST, -1.0, -BW_LARGEST, -1.0, 0.0, 0.0, 0.0);
}

fn row_is_empty(row: Row) -> bool {
    return row.rest < 0.0 || row.ref_rest < 0.0;
}

fn row_exp(d: vec4<f32>, live: vec4<bool>) -> vec4<f32> {
    return select(vec4<f32>(0.0), vec4<f32>(bw_exp(d.x), bw_exp(d.y), bw_exp(d.z), bw_exp(d.w)), live);
}

fn row_sum(x: vec4<f32>) -> f32 {
    return (x.x + x.y) + (x.z + x.w);
}

// The terms of four tokens, none above the tops; one that is not live adds nothing.
fn row_terms(quad: Quad, top: f32, ref_top: f32) -> RowTerms {
    let zero = vec4<f32>(0.0);
    let d = max(quad.x - vec4<f32>(top), vec4<f32>(PAIR_FAR));
    let e = max(quad.r - vec4<f32>(ref_top), vec4<f32>(PAIR_FAR));
    let largest = d == zero;
    let ref_largest = e == zero;
    let p = row_exp(d, quad.live);
    let q = row_exp(e, quad.ref_live);
    let u = select(zero, d - e, quad.live & quad.ref_live);
    return RowTerms(
        row_sum(select(p, zero, largest)),
        row_sum(select(zero, p, largest)),
        row_sum(select(q, zero, ref_largest)),
        row_sum(select(zero, q, ref_largest)),
        row_sum(p * d),
        row_sum(p * u),
        row_sum(q * u),
    );
}

fn row_terms_sum(a: RowTerms, b: RowTerms) -> RowTerms {
    return RowTerms(
        a.below + b.below,
        a.equal + b.equal,
        a.ref_below + b.ref_below,
        a.ref_equal + b.ref_equal,
        a.moment + b.moment,
        a.cross + b.cross,
        a.ref_cross + b.ref_cross,
    );
}

// The row relative to tops that are not below its own. Where one rises, the 1 that is left out is counted again.
fn row_lower(row: Row, top: f32, ref_top: f32) -> Row {
    let step = max(row.top - top, PAIR_FAR);
    let ref_step = max(row.ref_top - ref_top, PAIR_FAR);
    let weight = bw_exp(step);
    let ref_weight = bw_exp(ref_step);
    let total = 1.0 + row.rest;
    let ref_total = 1.0 + row.ref_rest;
    let shift = step - ref_step;
    return Row(
        top,
        select(row.rest, total * weight, top > row.top),
        ref_top,
        select(row.ref_rest, ref_total * ref_weight, ref_top > row.ref_top),
        (row.moment + step * total) * weight,
        (row.cross + shift * total) * weight,
        (row.ref_cross + shift * ref_total) * ref_weight,
    );
}

// Adds terms that were formed with tops that are not below the row's own.
fn row_add(row: Row, terms: RowTerms, top: f32, ref_top: f32) -> Row {
    let low = row_lower(row, top, ref_top);
    // When a maximum rises, one of the terms becomes the one that is left out.
    let equal = select(terms.equal, terms.equal - 1.0, top > row.top);
    let ref_equal = select(terms.ref_equal, terms.ref_equal - 1.0, ref_top > row.ref_top);
    return Row(
        top,
        (low.rest + terms.below) + equal,
        ref_top,
        (low.ref_rest + terms.ref_below) + ref_equal,
        low.moment + terms.moment,
        low.cross + terms.cross,
        low.ref_cross + terms.ref_cross,
    );
}

fn row_merge(left: Row, right: Row) -> Row {
    let top = max(left.top, right.top);
    let ref_top = max(left.ref_top, right.ref_top);
    let a = row_lower(left, top, ref_top);
    let b = row_lower(right, top, ref_top);
    // Of two rows with one maximum the left one keeps its 1 left out.
    let twice = left.top == right.top;
    let ref_twice = left.ref_top == right.ref_top;
    return Row(
        top,
        a.rest + select(b.rest, 1.0 + b.rest, twice),
        ref_top,
        a.ref_rest + select(b.ref_rest, 1.0 + b.ref_rest, ref_twice),
        a.moment + b.moment,
        a.cross + b.cross,
        a.ref_cross + b.ref_cross,
    );
}

fn row_norms(row: Row) -> Norms {
    return Norms(row.top, bw_log1p(row.rest), row.ref_top, bw_log1p(row.ref_rest));
}
