// What the kernels of TokenRows share: which label scores a row.

const NO_MASK = 0xffffffffu;

// The label that scores a row, or `ignore_index` where none does.
fn label_of(row: u32) -> u32 {
    if (args.shift != 0u && (row + 1u) % args.seq_len == 0u) {
        return args.ignore_index;
    }
    if (args.mask_offset != NO_MASK && labels[args.mask_offset + row] == 0u) {
        return args.ignore_index;
    }
    return labels[args.labels_offset + row + args.shift];
}
