// Logits that their gradient replaces: they stand where the result goes.

fn logit_at(i: u32) -> f32 {
    return bw_unpack(result[bw_word(i)], i);
}
