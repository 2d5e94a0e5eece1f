// Numbers of wide arrays as they stand in memory. The next line is the marker that a host replaces: 0 is single, 1 is half,
// 2 is bfloat; 16-bit numbers stand two to a word, the lower index in the lower half.
const STORAGE = 0u;

// The word that holds element i.
fn bw_word(i: u32) -> u32 {
    if (STORAGE == 0u) {
        return i;
    }
    return i >> 1u;
}

// Element i of its word.
fn bw_unpack(word: u32, i: u32) -> f32 {
    if (STORAGE == 0u) {
        return bitcast<f32>(word);
    }
    let half = (word >> (16u * (i & 1u))) & 0xffffu;
    if (STORAGE == 2u) {
        return bitcast<f32>(half << 16u);
    }
    return bw_from_half(half);
}

// A number as 16 bits, rounded to nearest, ties to even.
fn bw_half(x: f32) -> u32 {
    if (STORAGE == 2u) {
        return bw_to_bfloat(x);
    }
    return bw_to_half(x);
}

// By integers: unpack2x16float may flush subnormal numbers, and they are exact here.
fn bw_from_half(half: u32) -> f32 {
    let sign = (half & 0x8000u) << 16u;
    let rest = half & 0x7fffu;
    let small = bitcast<u32>(f32(rest) * 0x1p-24f);
    let normal = (rest << 13u) + 0x38000000u;
    let special = (rest << 13u) | 0x7f800000u;
    let finite = select(normal, small, rest < 0x400u);
    return bitcast<f32>(sign | select(finite, special, rest >= 0x7c00u));
}

fn bw_to_bfloat(x: f32) -> u32 {
    let bits = bitcast<u32>(x);
    let rounded = (bits + 0x7fffu + ((bits >> 16u) & 1u)) >> 16u;
    return select(rounded, (bits >> 16u) | 0x40u, bw_is_nan(x));
}

fn bw_to_half(x: f32) -> u32 {
    let bits = bitcast<u32>(x);
    let sign = (bits >> 16u) & 0x8000u;
    let rest = bits & 0x7fffffffu;
    // Below 2^-14 halves are multiples of 2^-24; by integers, since WGSL leaves the direction of rounding open.
    let shift = min(126u - min(rest >> 23u, 113u), 25u);
    let digits = (rest & 0x7fffffu) | 0x800000u;
    let whole = digits >> shift;
    let left = digits & ((1u << shift) - 1u);
    let middle = 1u << (shift - 1u);
    let small = whole + select(0u, 1u, left > middle || (left == middle && (whole & 1u) == 1u));
    let normal = (rest - 0x38000000u + 0xfffu + ((rest >> 13u) & 1u)) >> 13u;
    let finite = select(normal, small, rest < 0x38800000u);
    // 65520 and more round to infinity.
    let large = select(finite, 0x7c00u, rest >= 0x477ff000u);
    return sign | select(large, 0x7e00u, rest > 0x7f800000u);
}
