// The mean over the kept elements of a segment.

struct Params {
    pad0: u32,
    pad1: u32,
    pad2: u32,
    pad3: u32,
}

// A mean of nothing is given as 0; the skeleton reports it.
fn segment_value(sum: f32, count: f32) -> f32 {
    return sum / max(count, 1.0);
}

fn segment_slope(count: f32) -> f32 {
    return 1.0 / max(count, 1.0);
}
