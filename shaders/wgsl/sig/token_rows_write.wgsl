// Writes the gradient of a row by its logits, column by column.
//
// Another piece has `gradient`. The kernel says where a row is read and written (`read_base`, `write_base`), and what the
// gradient of a row starts from (`slope_of`).

// Columns begin..end of a row.
fn write_columns(row: u32, slope: Slope, begin: u32, end: u32, lane: u32) {
    let read = read_base(row);
    let write = write_base(row);
    if (STORAGE == 0u) {
        for (var j = begin + lane; j < end; j += LANES) {
            result[write + j] = bitcast<u32>(gradient(slope, read, j));
        }
        return;
    }
    // A word belongs to the row, and the part, that its lower half belongs to.
    let last = (write + end + 1u) >> 1u;
    for (var w = ((write + begin + 1u) >> 1u) + lane; w < last; w += LANES) {
        let j = 2u * w - write;
        let lower = bw_half(gradient(slope, read, j));
        result[w] = lower | (upper_half(row, slope, j + 1u, w) << 16u);
    }
    // Unless nothing of this array stands there.
    if (lane == 0u && begin == 0u && (write & 1u) == 1u && !(joined() && row > 0u)) {
        let w = write >> 1u;
        result[w] = (result[w] & 0xffffu) | (bw_half(gradient(slope, read, 0u)) << 16u);
    }
}

// The upper half of word w: column j of the row, or the first of the next row, or what is there already.
fn upper_half(row: u32, slope: Slope, j: u32, w: u32) -> u32 {
    if (j < args.v) {
        return bw_half(gradient(slope, read_base(row), j));
    }
    if (joined() && row + 1u < args.n) {
        return bw_half(gradient(slope_of(row + 1u), read_base(row + 1u), 0u));
    }
    return result[w] >> 16u;
}

// Whether a row begins where the one before ends.
fn joined() -> bool {
    return args.result_stride == args.v;
}
