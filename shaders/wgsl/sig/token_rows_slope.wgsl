// Writes the gradient of a row by its logits, column by column.
//
// The operator's file holds the mathematics (`row_gradient`). The kernel says where a row is read and written
// (`read_base`, `write_base`), and what the gradient of a row starts from (`slope_of`).

// What the gradient of a row starts from. A row that is not counted, or bad, is `fill` everywhere and not read.
struct Slope {
    planes: RowPlanes,
    up: RowUpstream,
    label: u32,
    filled: bool,
    fill: f32,
}

fn filled_slope(fill: f32) -> Slope {
    return Slope(row_poison(0.0), RowUpstream(0.0, 0.0, 0.0, 0.0, 0.0), 0u, true, fill);
}

fn upstream_of(row: u32) -> RowUpstream {
    return RowUpstream(
        upstream(0u, row),
        upstream(1u, row),
        upstream(2u, row),
        upstream(3u, row),
        upstream(4u, row),
    );
}

// The slope of a good row, or what a fault among the upstream gradients leaves of it.
fn slope_from(planes: RowPlanes, status: u32, up: RowUpstream, label: u32) -> Slope {
    let found = (bw_fault(up.logp) | bw_fault(up.lse)) | bw_fault(up.entropy);
    let fault = (status & STATUS_POISON) | found | bw_fault(up.log_sum_sq) | bw_fault(up.mean_logit);
    if (fault != 0u) {
        return filled_slope(bw_nan(fault));
    }
    return Slope(planes, up, label, false, 0.0);
}

// The gradient by the logit of column j of the row that is read at `base`.
fn gradient(slope: Slope, base: u32, j: u32) -> f32 {
    if (slope.filled) {
        return slope.fill;
    }
    return row_gradient(args.params, slope.planes, slope.up, logit_at(base + j), j == slope.label);
}

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
