// The status of a row from the faults of its logits, its state and its label's place.

fn status_of(row: Row, faults: u32, label: u32) -> u32 {
    var status = faults;
    if (status == 0u && row_is_empty(row)) {
        status = STATUS_EMPTY_SUPPORT;
    }
    if (label >= args.v) {
        status |= STATUS_LABEL_RANGE;
    }
    return status;
}
