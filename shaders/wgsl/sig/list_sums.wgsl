// What all lanes of a list know together. Called by all of them at once.

var<workgroup> lane_numbers: array<f32, LANES>;

// The sum over lanes, as a tree; the same in every lane.
fn list_total(lane: u32, x: f32) -> f32 {
    // Whoever still reads what the last call left is done.
    workgroupBarrier();
    lane_numbers[lane] = x;
    for (var step = 1u; step < LANES; step *= 2u) {
        workgroupBarrier();
        if (lane % (2u * step) == 0u) {
            lane_numbers[lane] += lane_numbers[lane + step];
        }
    }
    workgroupBarrier();
    return lane_numbers[0];
}

// The largest over lanes; the same in every lane.
fn list_largest(lane: u32, x: f32) -> f32 {
    workgroupBarrier();
    lane_numbers[lane] = x;
    for (var step = 1u; step < LANES; step *= 2u) {
        workgroupBarrier();
        if (lane % (2u * step) == 0u) {
            lane_numbers[lane] = max(lane_numbers[lane], lane_numbers[lane + step]);
        }
    }
    workgroupBarrier();
    return lane_numbers[0];
}
