// What both kernels of SegmentStats share: their arguments, where a segment lies and which of its elements count.

struct Args {
    segments: u32,
    len: u32,
    segment_stride: u32,
    values_offset: u32,
    values_stride: u32,
    keep_offset: u32,
    keep: u32,
    ignore: u32,
    shift: u32,
    offsets_offset: u32,
    scale: f32,
    result_offset: u32,
    result_stride: u32,
    upstream_offset: u32,
    upstream_stride: u32,
    pad0: u32,
    params: Params,
}

// Where a segment lies: its first element among the words, its first value (or gradient) in memory, its length.
struct Segment {
    word: u32,
    value: u32,
    len: u32,
}

fn segment_at(s: u32) -> Segment {
    if (args.len != 0u) {
        return Segment(s * args.len, args.values_offset + s * args.segment_stride, args.len);
    }
    let begin = words[args.offsets_offset + s];
    let end = words[args.offsets_offset + s + 1u];
    return Segment(begin, args.values_offset + begin * args.values_stride, max(end, begin) - begin);
}

// Whether element i is kept: by its word, which stands `shift` behind it and inside the segment.
fn keeps(segment: Segment, i: u32) -> bool {
    if (args.keep == 0u) {
        return true;
    }
    if (i + args.shift >= segment.len) {
        return false;
    }
    return words[args.keep_offset + segment.word + i + args.shift] != args.ignore;
}
