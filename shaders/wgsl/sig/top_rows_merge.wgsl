// The list of a row from those of its lanes.

var<workgroup> heads: array<Entry, ROWS * LANES>;
var<workgroup> chosen: array<Entry, ROWS * LIST>;
var<workgroup> rounds: u32;

// Every lane shows the first entry that is not taken yet, and a tree finds the best of these, k times. The first lane of a
// row ends with the row's list. All lanes must call it.
fn merge_lists(lane: Lane) {
    // The bound of a loop around barriers must be known to be the same in every lane.
    if (lane.index == 0u) {
        rounds = list_length();
    }
    let k = workgroupUniformLoad(&rounds);
    let row = lane.index / LANES;
    var taken = 0u;
    for (var rank = 0u; rank < k; rank += 1u) {
        let own = entries[taken];
        heads[lane.index] = own;
        for (var step = 1u; step < LANES; step *= 2u) {
            workgroupBarrier();
            if (lane.place % (2u * step) == 0u) {
                heads[lane.index] = better(heads[lane.index], heads[lane.index + step]);
            }
        }
        workgroupBarrier();
        let best = heads[row * LANES];
        // Everyone has read it before the next round.
        workgroupBarrier();
        taken += select(0u, 1u, own.key != 0u && own.column == best.column);
        if (lane.place == 0u) {
            chosen[row * LIST + rank] = best;
        }
    }
    if (lane.place == 0u) {
        for (var rank = 0u; rank < k; rank += 1u) {
            entries[rank] = chosen[row * LIST + rank];
        }
    }
}

fn better(a: Entry, b: Entry) -> Entry {
    if (b.key > a.key || (b.key == a.key && b.column < a.column)) {
        return b;
    }
    return a;
}
