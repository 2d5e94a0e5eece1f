// Adds the lane's logits to its row state, a block at a time.

fn scan_lane(first: u32, begin: u32, end: u32, lane: Lane) {
    var state = row_empty();
    var faults = 0u;
    for (var j = begin + lane.place; j < end; j += BLOCK * LANES) {
        let a = load(first, j, end);
        let b = load(first, j + 4u * LANES, end);
        let c = load(first, j + 8u * LANES, end);
        let d = load(first, j + 12u * LANES, end);
        faults |= a.faults | b.faults | c.faults | d.faults;
        state = add_block(state, a, b, c, d);
    }
    lane_rows[lane.index] = state;
    lane_faults[lane.index] = faults;
}
