// The reference's logits, in a buffer beside the policy's.

@group(0) @binding(1) var<storage, read> ref_logits: array<u32>;

fn ref_logit_at(i: u32) -> f32 {
    return bw_unpack(ref_logits[bw_word(i)], i);
}
