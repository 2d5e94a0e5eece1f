// States of parts of rows, as planes: what `partial` writes and `finish` reads.

// No column: exact in f32, as every column below it is.
const NO_COLUMN = 16777216u;

// The label's logit where another part has it: no logit is plus infinity.
fn no_label() -> f32 {
    return bitcast<f32>(0x7f800000u | (args.v & 0u));
}

fn has_label(x: f32) -> bool {
    return bitcast<u32>(x) != 0x7f800000u;
}
