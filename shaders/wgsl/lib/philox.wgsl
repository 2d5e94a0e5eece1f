// Random integers and uniforms as functions of a counter, the same in bits as bellwether-core's `random`. Needs nothing.

// What belongs to a stream: the seed, low word first, and the stream's number.
struct BwStream {
    seed: vec2<u32>,
    stream: u32,
}

const BW_PHILOX_ROUNDS = 10u;
// The first block that belongs to permutations.
const BW_FIRST_PERMUTE_BLOCK = 0x80000000u;

// Low and high word of a product, by halves: no sum below exceeds 32 bits.
fn bw_wide(a: u32, b: u32) -> vec2<u32> {
    let a_low = a & 0xffffu;
    let a_high = a >> 16u;
    let b_low = b & 0xffffu;
    let b_high = b >> 16u;
    let first = a_high * b_low + ((a_low * b_low) >> 16u);
    let second = a_low * b_high + (first & 0xffffu);
    return vec2<u32>(a * b, a_high * b_high + (first >> 16u) + (second >> 16u));
}

// Philox 4x32 with 10 rounds.
fn bw_philox(counter: vec4<u32>, key: vec2<u32>) -> vec4<u32> {
    var x = counter;
    var k = key;
    for (var round = 0u; round < BW_PHILOX_ROUNDS; round++) {
        let p = bw_wide(0xd2511f53u, x.x);
        let q = bw_wide(0xcd9e8d57u, x.z);
        x = vec4<u32>(q.y ^ x.y ^ k.x, q.x, p.y ^ x.w ^ k.y, p.x);
        k += vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
    }
    return x;
}

// Four words of an element; its index is low word first.
fn bw_words(s: BwStream, index: vec2<u32>, block: u32) -> vec4<u32> {
    return bw_philox(vec4<u32>(index, s.stream, block), s.seed);
}

// [0, 1), 24 bits. Conversions of at most 24 bits and products with powers of two are exact.
fn bw_uniform(word: u32) -> f32 {
    return f32(word >> 8u) * 0x1p-24f;
}

// (0, 1], 24 bits.
fn bw_uniform_nonzero(word: u32) -> f32 {
    return f32((word >> 8u) + 1u) * 0x1p-24f;
}

// (0, 1), cut off to 24 significant bits here, since a device may round a longer conversion either way.
fn bw_uniform_open(word: u32) -> f32 {
    let odd = word | 1u;
    let cut = 8u - min(countLeadingZeros(odd), 8u);
    return f32((odd >> cut) << cut) * 0x1p-32f;
}

// 0..n out of 64 bits, low word first: the upper word of x n / 2^32.
fn bw_below(x: vec2<u32>, n: u32) -> u32 {
    let low = bw_wide(x.x, n);
    let high = bw_wide(x.y, n);
    let carry = select(0u, 1u, high.x + low.y < high.x);
    return high.y + carry;
}

// One pass of the network over numbers of `bits` bits, the lower half of them `lower` bits wide.
fn bw_permute_pass(s: BwStream, n: u32, bits: u32, x: u32) -> u32 {
    let lower = bits / 2u;
    let upper_mask = (1u << (bits - lower)) - 1u;
    let lower_mask = (1u << lower) - 1u;
    var upper = x >> lower;
    var rest = x & lower_mask;
    // More rounds where a half is short.
    let rounds = max(8u, 2u * ((15u + lower) / lower));
    for (var round = 0u; round < rounds; round += 2u) {
        let block = BW_FIRST_PERMUTE_BLOCK + round;
        upper ^= bw_philox(vec4<u32>(rest, n, s.stream, block), s.seed).x & upper_mask;
        rest ^= bw_philox(vec4<u32>(upper, n, s.stream, block + 1u), s.seed).x & lower_mask;
    }
    let mixed = (upper << lower) | rest;
    if (mixed > 1u) {
        return mixed;
    }
    // The network is even: 0 and 1 change places in half of all permutations.
    return mixed ^ (bw_philox(vec4<u32>(0u, n, s.stream, BW_FIRST_PERMUTE_BLOCK + rounds), s.seed).x & 1u);
}

// Element i of a permutation of 0..n; i itself where it is not below n.
fn bw_permute(s: BwStream, n: u32, i: u32) -> u32 {
    if (i >= n) {
        return i;
    }
    let bits = max(4u, 32u - countLeadingZeros(n - 1u));
    // The way back to i is below n, so that this ends.
    var x = bw_permute_pass(s, n, bits, i);
    while (x >= n) {
        x = bw_permute_pass(s, n, bits, x);
    }
    return x;
}
