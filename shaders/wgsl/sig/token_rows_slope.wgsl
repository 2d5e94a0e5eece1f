// The gradient of a row by one of its logits. The operator's file holds the mathematics (`row_gradient`).

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

// The gradient by the logit of column j.
fn gradient(slope: Slope, row: u32, j: u32) -> f32 {
    if (slope.filled) {
        return slope.fill;
    }
    return row_gradient(args.params, slope.planes, slope.up, logit_at(read_base(row) + j), j == slope.label);
}
