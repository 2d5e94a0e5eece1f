// The matrix that the gradient is by stands where the result goes; the other one is read beside it.

@group(0) @binding(0) var<storage, read> other: array<u32>;
@group(0) @binding(1) var<storage, read> rows: array<f32>;
@group(0) @binding(2) var<storage, read> labels: array<u32>;
@group(0) @binding(3) var<storage, read_write> result: array<u32>;
@group(0) @binding(4) var<uniform> args: Args;

fn logit_at(i: u32) -> f32 {
    if (args.by_reference != 0u) {
        return bw_unpack(other[bw_word(i)], i);
    }
    return bw_unpack(result[bw_word(i)], i);
}

fn ref_logit_at(i: u32) -> f32 {
    if (args.by_reference != 0u) {
        return bw_unpack(result[bw_word(i)], i);
    }
    return bw_unpack(other[bw_word(i)], i);
}
