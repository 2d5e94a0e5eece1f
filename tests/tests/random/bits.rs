//! Integers and uniforms of the kernels are core's, in bits.

use bellwether_core::random::{Stream, below, philox4x32, uniform, uniform_nonzero, uniform_open};

use super::{common, device, stream};

/// Where carries, halves and signs change.
pub(super) const EDGES: [u32; 15] = [
    0,
    1,
    2,
    0xff,
    0x7fff,
    0xffff,
    0x1_0000,
    0x1_0001,
    0x00ff_ffff,
    0x0100_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xd251_1f53,
    0xffff_fffe,
    0xffff_ffff,
];

/// Compares piece by piece, so that a failure names the element.
fn same(what: &str, got: &[u32], want: &[u32]) {
    assert_eq!(got.len(), want.len(), "{what}");
    if let Some(i) = (0..got.len()).find(|&i| got[i] != want[i]) {
        panic!("{what}: word {i} is {:#x} instead of {:#x}", got[i], want[i]);
    }
}

#[test]
fn published_answers_on_the_device() {
    let Some(context) = common::context() else { return };
    let mut input = vec![0; 6];
    input.extend([u32::MAX; 6]);
    input.extend([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344, 0xa409_3822, 0x299f_31d0]);
    let want = [
        [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8],
        [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd],
        [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
    ];
    let body = "let at = 6u * i;
        let counter = vec4<u32>(input[at], input[at + 1u], input[at + 2u], input[at + 3u]);
        let x = bw_philox(counter, vec2<u32>(input[at + 4u], input[at + 5u]));
        for (var k = 0u; k < 4u; k++) { result[4u * i + k] = x[k]; }";
    same("known answers", &device::run(&context, body, &input, 3, 4), want.as_flattened());
}

#[test]
fn products_of_edges() {
    let Some(context) = common::context() else { return };
    let body = "let p = bw_wide(input[i / 15u], input[i % 15u]);
        result[2u * i] = p.x;
        result[2u * i + 1u] = p.y;";
    let got = device::run(&context, body, &EDGES, 225, 2);
    let products = EDGES.iter().flat_map(|&a| EDGES.map(|b| u64::from(a) * u64::from(b)));
    let want: Vec<u32> = products.flat_map(|p| [p as u32, (p >> 32) as u32]).collect();
    same("products", &got, &want);
}

/// Four million elements, two million on both sides of the index 2³² and two million around 2⁶⁴ = 0.
#[test]
fn words_of_four_million_elements() {
    let Some(context) = common::context() else { return };
    let body = "let low = input[3] + i;
        let index = vec2<u32>(low, input[4] + select(0u, 1u, low < i));
        let x = bw_words(BwStream(vec2<u32>(input[0], input[1]), input[2]), index, input[5]);
        for (var k = 0u; k < 4u; k++) { result[4u * i + k] = x[k]; }";
    let n = 1_u32 << 21;
    for (first, block) in [((1_u64 << 32) - (1 << 20), 0), (u64::MAX - (1 << 20), u32::MAX)] {
        let Stream { seed, stream } = Stream { seed: 0x0123_4567_89ab_cdef, stream: 0xffff_fffe };
        let input = [seed as u32, (seed >> 32) as u32, stream, first as u32, (first >> 32) as u32, block];
        let got = device::run(&context, body, &input, n, 4);
        let element = |i| Stream { seed, stream }.words(first.wrapping_add(i), block);
        let want: Vec<u32> = (0..u64::from(n)).flat_map(element).collect();
        same(&format!("elements from {first:#x} on"), &got, &want);
    }
}

/// Edges of words, and a quarter of a million others.
pub(super) fn some_words(seed: u64) -> Vec<u32> {
    let near = |word: u32| [word.wrapping_sub(1), word, word.wrapping_add(1), !word];
    let powers = (0..32).flat_map(|k| near(1 << k));
    EDGES.into_iter().chain(powers).chain(super::words(stream(seed), 1 << 18)).collect()
}

#[test]
fn uniforms_have_the_same_bits() {
    let Some(context) = common::context() else { return };
    let input = some_words(11);
    let body = "result[3u * i] = bitcast<u32>(bw_uniform(input[i]));
        result[3u * i + 1u] = bitcast<u32>(bw_uniform_nonzero(input[i]));
        result[3u * i + 2u] = bitcast<u32>(bw_uniform_open(input[i]));";
    let got = device::run(&context, body, &input, input.len() as u32, 3);
    let all = |&word: &u32| [uniform(word), uniform_nonzero(word), uniform_open(word)].map(f32::to_bits);
    same("uniforms", &got, &input.iter().flat_map(all).collect::<Vec<_>>());
}

#[test]
fn bounded_integers_are_the_same() {
    let Some(context) = common::context() else { return };
    let edges = EDGES.into_iter().flat_map(|a| EDGES.into_iter().flat_map(move |b| EDGES.map(|n| [a, b, n])));
    let drawn = (0..1_u64 << 18).map(|i| {
        let [a, b, n, cut] = stream(12).words(i, 0);
        [a, b, n >> (cut % 32)]
    });
    let input: Vec<[u32; 3]> = edges.chain(drawn).collect();
    let body = "result[i] = bw_below(vec2<u32>(input[3u * i], input[3u * i + 1u]), input[3u * i + 2u]);";
    let got = device::run(&context, body, input.as_flattened(), input.len() as u32, 1);
    same("below", &got, &input.iter().map(|&[a, b, n]| below([a, b], n)).collect::<Vec<_>>());
}

/// A counter and its successor of every edge: the function itself, not only streams.
#[test]
fn counters_of_edges() {
    let Some(context) = common::context() else { return };
    let body =
        "let e = vec4<u32>(input[i % 15u], input[i / 15u % 15u], input[i / 225u % 15u], input[i / 3375u]);
        let x = bw_philox(e, e.zw ^ vec2<u32>(e.y, ~e.x));
        for (var k = 0u; k < 4u; k++) { result[4u * i + k] = x[k]; }";
    let n = 15_u32.pow(4);
    let got = device::run(&context, body, &EDGES, n, 4);
    let answer = |i: u32| {
        let [a, b, c, d] = [i % 15, i / 15 % 15, i / 225 % 15, i / 3375].map(|k| EDGES[k as usize]);
        philox4x32([a, b, c, d], [c ^ b, d ^ !a])
    };
    same("edges", &got, &(0..n).flat_map(answer).collect::<Vec<_>>());
}
