// The second traversal: once both normalisers are known, a sum of terms of which none is negative.
//
// The operator's file has `pair_terms`, `pair_finish` and `pair_infinite`. A lane adds 16 terms in sequence, then those
// sums in sequence; lanes are added as a tree.

var<workgroup> lane_sums: array<vec2<f32>, LANES>;

fn second_pass(place: Place, lane: u32, counted: bool) {
    lane_sums[lane] = vec2<f32>(0.0);
    if (counted) {
        lane_sums[lane] = second_scan(place, row_norms(lane_rows[0]), lane);
    }
    for (var step = 1u; step < LANES; step *= 2u) {
        workgroupBarrier();
        if (lane % (2u * step) == 0u) {
            lane_sums[lane] += lane_sums[lane + step];
        }
    }
}

fn second_scan(place: Place, norms: Norms, lane: u32) -> vec2<f32> {
    var sum = vec2<f32>(0.0);
    for (var begin = lane; begin < args.v; begin += BLOCK * LANES) {
        let end = min(args.v, begin + BLOCK * LANES);
        var block = vec2<f32>(0.0);
        for (var j = begin; j < end; j += LANES) {
            let seen = pair_see(norms, policy(place.first + j), reference(place.ref_first + j));
            block += pair_terms(args.params, seen);
        }
        sum += block;
    }
    return sum;
}

fn row_infinite(only_policy: bool, only_reference: bool) -> bool {
    return pair_infinite(args.params, only_policy, only_reference);
}

fn row_finish(row: Row, norms: Norms, only_policy: bool, only_reference: bool) -> vec3<f32> {
    let own = pair_finish(args.params, lane_sums[0]);
    return select(own, vec3<f32>(pair_infinity(args.v)), row_infinite(only_policy, only_reference));
}
