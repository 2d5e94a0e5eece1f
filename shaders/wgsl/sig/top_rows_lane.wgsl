// Adds the lane's logits to its row state and to its list, a block at a time.

fn scan_lane(first: u32, begin: u32, end: u32, lane: Lane) {
    let k = list_length();
    var state = row_empty();
    var faults = 0u;
    for (var j = begin + lane.place; j < end; j += BLOCK * LANES) {
        let a = load(first, j, end);
        let b = load(first, j + 4u * LANES, end);
        let c = load(first, j + 8u * LANES, end);
        let d = load(first, j + 12u * LANES, end);
        faults |= a.faults | b.faults | c.faults | d.faults;
        state = add_block(state, a, b, c, d);
        offer_quad(a, k);
        offer_quad(b, k);
        offer_quad(c, k);
        offer_quad(d, k);
    }
    lane_rows[lane.index] = state;
    lane_faults[lane.index] = faults;
}

fn offer_quad(quad: Quad, k: u32) {
    offer(Entry(select(0u, key_of(quad.logit.x), quad.live.x), quad.at.x), k);
    offer(Entry(select(0u, key_of(quad.logit.y), quad.live.y), quad.at.y), k);
    offer(Entry(select(0u, key_of(quad.logit.z), quad.live.z), quad.at.z), k);
    offer(Entry(select(0u, key_of(quad.logit.w), quad.live.w), quad.at.w), k);
}
