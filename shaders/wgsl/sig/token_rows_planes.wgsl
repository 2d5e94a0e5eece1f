// The planes of a row from its state: what `forward`, `finish` and `step` write.

// The planes, and the row's status: NaN in every plane where the row is bad.
struct Outcome {
    planes: RowPlanes,
    status: u32,
}

// `label` is the label's place and `x` its logit.
fn outcome_of(row: Row, faults: u32, label: u32, x: f32) -> Outcome {
    var status = status_of(row, faults, label);
    if (status != 0u) {
        return Outcome(row_poison(bw_nan(status)), status);
    }
    var planes = row_finish(row, label, x);
    if (bw_is_minus_infinity(x)) {
        planes.logp = x;
        status = STATUS_IMPOSSIBLE_LABEL;
    }
    return Outcome(planes, status);
}

// Writes them at `at`, `stride` apart.
fn write_planes(outcome: Outcome, at: u32, stride: u32) {
    let planes = outcome.planes;
    put(at, planes.logp);
    put(at + stride, planes.lse);
    put(at + 2u * stride, planes.entropy);
    put(at + 3u * stride, planes.log_sum_sq);
    put(at + 4u * stride, planes.mean_logit);
    put(at + 5u * stride, planes.top1);
    put(at + 6u * stride, planes.top);
    put(at + 7u * stride, planes.log_sum);
    put(at + 8u * stride, planes.allowed);
    put(at + 9u * stride, f32(outcome.status));
}
