// The planes of a row from its state and its list: what `forward`, `narrow` and `finish` write.

// Terms whose sum is formed before it is added to the others: fewer roundings.
const TERMS = 8u;

// The same number in every plane.
fn write_same(x: f32, status: u32, at: u32, stride: u32) {
    let last = 2u * list_length() + 5u;
    for (var plane = 0u; plane < last; plane += 1u) {
        put(at + plane * stride, x);
    }
    put(at + last * stride, f32(status));
}

// NaN where the row is bad.
fn write_row(row: Row, status: u32, at: u32, stride: u32) {
    if ((status & STATUS_POISON) != 0u) {
        write_same(bw_nan(status), status, at, stride);
        return;
    }
    let k = list_length();
    let log_sum = bw_log1p(row.rest);
    for (var rank = 0u; rank < k; rank += 1u) {
        let entry = entries[rank];
        let x = row_logit(args.params, logit_of(entry.key));
        put(at + rank * stride, select((x - row.top) - log_sum, minus_infinity(), entry.key == 0u));
        put(at + (k + rank) * stride, f32(select(entry.column, NO_COLUMN, entry.key == 0u)));
    }
    let planes = top_planes(args.params, row, log_sum, top_sums(row.top, k));
    let tail = at + 2u * k * stride;
    put(tail, planes.mass);
    put(tail + stride, planes.entropy);
    put(tail + 2u * stride, row.top + log_sum);
    put(tail + 3u * stride, row.top);
    put(tail + 4u * stride, log_sum);
    put(tail + 5u * stride, f32(status));
}

// Over the list.
fn top_sums(top: f32, k: u32) -> TopSums {
    var sums = TopSums(0.0, 0.0);
    for (var begin = 0u; begin < k; begin += TERMS) {
        var some = TopSums(0.0, 0.0);
        for (var rank = begin; rank < min(begin + TERMS, k); rank += 1u) {
            let entry = entries[rank];
            if (entry.key != 0u) {
                some = top_add(some, top_term(row_logit(args.params, logit_of(entry.key)) - top, rank == 0u));
            }
        }
        sums = top_add(sums, some);
    }
    return sums;
}

// Bits that are only known at run time: a constant infinity is an error of compilation.
fn minus_infinity() -> f32 {
    return bitcast<f32>(0xff800000u | (args.v & 0u));
}
