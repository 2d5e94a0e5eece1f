// What the lanes of a row know together: affine maps composed over a tree, and bits. Called by all of them at once.

// An affine map behind another: first `inner`, then `outer`.
fn after(outer: vec2<f32>, inner: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(outer.x + outer.y * inner.x, outer.y * inner.y);
}

// The bits of all lanes together.
fn any_of(lane: u32, status: u32) -> u32 {
    counts[lane] = status;
    workgroupBarrier();
    for (var step = 1u; step < LANES; step *= 2u) {
        var other = 0u;
        if (lane + step < LANES) {
            other = counts[lane + step];
        }
        workgroupBarrier();
        counts[lane] = counts[lane] | other;
        workgroupBarrier();
    }
    return workgroupUniformLoad(&counts[0]);
}

// What all later lanes' steps do to what comes in from behind the tile.
fn behind(lane: u32, own: vec2<f32>) -> vec2<f32> {
    pairs[lane] = own;
    workgroupBarrier();
    for (var step = 1u; step < LANES; step *= 2u) {
        var other = vec2<f32>(0.0, 1.0);
        if (lane + step < LANES) {
            other = pairs[lane + step];
        }
        workgroupBarrier();
        pairs[lane] = after(pairs[lane], other);
        workgroupBarrier();
    }
    var later = vec2<f32>(0.0, 1.0);
    if (lane + 1u < LANES) {
        later = pairs[lane + 1u];
    }
    return later;
}

// x at the beginning of the tile.
fn whole(carry: f32) -> f32 {
    let all = workgroupUniformLoad(&pairs[0]);
    return all.x + all.y * carry;
}

// The same from the other side: what all earlier lanes' steps do to what comes in from before the tile.
fn before(lane: u32, own: vec2<f32>) -> vec2<f32> {
    pairs[lane] = own;
    workgroupBarrier();
    for (var step = 1u; step < LANES; step *= 2u) {
        var other = vec2<f32>(0.0, 1.0);
        if (lane >= step) {
            other = pairs[lane - step];
        }
        workgroupBarrier();
        pairs[lane] = after(pairs[lane], other);
        workgroupBarrier();
    }
    var earlier = vec2<f32>(0.0, 1.0);
    if (lane > 0u) {
        earlier = pairs[lane - 1u];
    }
    return earlier;
}

fn whole_before(carry: f32) -> f32 {
    let all = workgroupUniformLoad(&pairs[LANES - 1u]);
    return all.x + all.y * carry;
}
