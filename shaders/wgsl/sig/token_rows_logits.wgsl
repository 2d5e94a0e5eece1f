// Logits in a buffer of their own.

@group(0) @binding(0) var<storage, read> logits: array<u32>;

fn logit_at(i: u32) -> f32 {
    return bw_unpack(logits[bw_word(i)], i);
}
