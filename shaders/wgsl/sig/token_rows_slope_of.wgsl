// What the gradient of a row starts from, in a kernel of its own.

fn slope_of(row: u32) -> Slope {
    let at = args.row_base + row;
    let label = label_of(at);
    if (label == args.ignore_index) {
        return filled_slope(0.0);
    }
    let planes = RowPlanes(
        saved(0u, at),
        saved(1u, at),
        saved(2u, at),
        saved(3u, at),
        saved(4u, at),
        saved(5u, at),
        saved(6u, at),
        saved(7u, at),
        saved(8u, at),
    );
    // A label of another shard is no column of this one.
    return slope_from(planes, u32(saved(9u, at)), upstream_of(at), label - args.column_base);
}
