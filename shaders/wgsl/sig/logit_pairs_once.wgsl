// One traversal is all: the operator finishes from the moments.

fn second_pass(place: Place, lane: u32, counted: bool) {
}

// Each of the two is infinite where a token of its first distribution is banned by the other.
fn row_infinite(only_policy: bool, only_reference: bool) -> bool {
    return only_policy || only_reference;
}

fn row_finish(row: Row, norms: Norms, only_policy: bool, only_reference: bool) -> vec3<f32> {
    let sums = vec2<f32>(1.0 + row.rest, 1.0 + row.ref_rest);
    let own = kl_planes(norms, sums, row.moment, vec2<f32>(row.cross, row.ref_cross));
    let infinity = pair_infinity(args.v);
    return vec3<f32>(select(own.x, infinity, only_reference), select(own.y, infinity, only_policy), own.z);
}
