// The largest logits that a lane has seen: the largest first, and of equal ones the first column first.
//
// They are ordered as whole numbers, so that no device rounds, flushes or forgets what it compares.

const LIST = 64u;
// No column: exact in f32, as every column below it is.
const NO_COLUMN = 16777216u;

// A logit that stands for its place in the order, above 0, and its column. Key 0: there is none.
struct Entry {
    key: u32,
    column: u32,
}

// WGSL zeroes it.
var<private> entries: array<Entry, LIST>;

fn list_length() -> u32 {
    return min(args.params.k, LIST);
}

// Both zeros are one number.
fn key_of(logit: f32) -> u32 {
    let bits = bitcast<u32>(logit);
    let size = bits & 0x7fffffffu;
    return select(0x80000000u + size, 0x80000000u - size, bits > 0x80000000u);
}

fn logit_of(key: u32) -> f32 {
    return bitcast<f32>(select(key - 0x80000000u, 0x80000000u | (0x80000000u - key), key < 0x80000000u));
}

// Takes an entry into the list of the k largest, behind those that are equal: of equal ones the first column comes first.
fn offer(entry: Entry, k: u32) {
    var rank = k - 1u;
    if (entry.key <= entries[rank].key) {
        return;
    }
    for (; rank > 0u; rank -= 1u) {
        let above = entries[rank - 1u];
        if (above.key >= entry.key) {
            break;
        }
        entries[rank] = above;
    }
    entries[rank] = entry;
}
