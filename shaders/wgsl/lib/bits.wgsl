// What a number is, told from its bits: WGSL may assume that no NaN and no infinity exists, so comparisons lie.

const STATUS_NAN = 1u;
const STATUS_INFINITE = 2u;
const STATUS_EMPTY_SUPPORT = 4u;
const STATUS_LABEL_RANGE = 8u;
const STATUS_IMPOSSIBLE_LABEL = 16u;
const STATUS_EMPTY_SEGMENT = 32u;
const STATUS_DISJOINT = 64u;
const STATUS_DOMAIN = 128u;
const STATUS_POISON = 143u;

// The largest finite f32.
const BW_LARGEST = 0x1.fffffep+127f;

fn bw_is_nan(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

fn bw_is_infinite(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7fffffffu) == 0x7f800000u;
}

fn bw_is_finite(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}

fn bw_is_minus_infinity(x: f32) -> bool {
    return bitcast<u32>(x) == 0xff800000u;
}

// The status bit of a number that should be finite; 0 if it is.
fn bw_fault(x: f32) -> u32 {
    return select(select(0u, STATUS_INFINITE, bw_is_infinite(x)), STATUS_NAN, bw_is_nan(x));
}

// A NaN made of bits that are only known at run time: a constant NaN is an error of compilation.
fn bw_nan(status: u32) -> f32 {
    return bitcast<f32>(0x7fc00000u | status);
}

// a * b where a zero wins over anything, also over an overflow: a weight of 0 leaves nothing.
fn bw_weigh(a: f32, b: f32) -> f32 {
    return select(a * b, 0.0, a == 0.0);
}
