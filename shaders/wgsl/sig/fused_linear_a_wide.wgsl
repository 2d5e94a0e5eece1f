// The factor a as b is stored: hidden states.

@group(0) @binding(0) var<storage, read> a: array<u32>;

fn a_at(i: u32) -> f32 {
    return bw_unpack(a[bw_word(i)], i);
}
