//! The library's functions, broken, held to the truth and to core's random numbers.

use std::cell::LazyCell;

use bellwether_core::random::{
    NORMAL_UNITS, Stream, below, gumbel, normal, uniform, uniform_nonzero, uniform_open,
};
use bellwether_core::{Bound, status};
use bellwether_gpu::{Context, Error};

use super::items::{Item, reaches};
use crate::functions::device::{LIBRARY, Probe, points};
use crate::functions::{FUNCTIONS, Function, body};
use crate::rig::Edit;

/// The sweeps that notice a broken item of the library, one after another.
pub fn noticing(context: &Context, item: &Item, edit: Edit) -> impl Iterator<Item = String> {
    let library = LIBRARY.replacen(edit.old, edit.new, 1);
    let [random, bits] = [RANDOM, BITS].map(|body| reaches(body, item).then(|| library.clone()));
    let device = LazyCell::new(|| context.describe());
    let complains = move |function: &&Function| {
        let (probe, all) = (Probe::with_library(context, &library, function.call), points(function));
        // Most mistakes show on a few points.
        let some: Vec<_> = all.iter().step_by(64).copied().collect();
        [some, all].into_iter().any(|points| {
            let seen = probe.judge(function, &points);
            seen.map_or(true, |seen| seen.complaint(&device, function).is_some())
        })
    };
    let functions = FUNCTIONS.iter().filter(|function| reaches(function.call, item)).filter(complains);
    let numbers =
        random.into_iter().filter(|library| !random_numbers_agree(context, library).unwrap_or(false));
    let bits = bits.into_iter().filter(|library| !bits_agree(context, library).unwrap_or(false));
    let functions = functions.map(|function| format!("sweep of {}", function.bound.name));
    let numbers = numbers.map(|_| "random numbers".to_owned());
    functions.chain(numbers).chain(bits.map(|_| "kinds of numbers".to_owned()))
}

/// Words of each element: everything that the library makes of random bits.
const WORDS: usize = 14;
/// What forms them out of five words of the input.
const RANDOM: &str = "
    let a = input[5u * i]; let b = input[5u * i + 1u]; let c = input[5u * i + 2u];
    let d = input[5u * i + 3u]; let n = input[5u * i + 4u];
    let s = BwStream(vec2<u32>(a, b), c);
    let x = bw_words(s, vec2<u32>(d, n), a ^ d);
    for (var k = 0u; k < 4u; k++) { result[14u * i + k] = x[k]; }
    result[14u * i + 4u] = bitcast<u32>(bw_uniform(a));
    result[14u * i + 5u] = bitcast<u32>(bw_uniform_nonzero(a));
    result[14u * i + 6u] = bitcast<u32>(bw_uniform_open(a));
    result[14u * i + 7u] = bw_below(vec2<u32>(a, b), n);
    result[14u * i + 8u] = bw_permute(s, n, d);
    result[14u * i + 9u] = bw_permute(s, n, n / 2u);
    result[14u * i + 10u] = bw_permute(s, n % 300u, d % 300u);
    result[14u * i + 11u] = bw_permute(s, 2u + d % 7u, a % 8u);
    result[14u * i + 12u] = bitcast<u32>(bw_gumbel(a));
    result[14u * i + 13u] = bitcast<u32>(bw_normal(a));";

/// What a number is, as the kernels tell it from its bits; a product where a zero wins; sums of one term and of none.
const BITS: &str = "
    let x = bitcast<f32>(input[2u * i]);
    let is = vec4<bool>(bw_is_nan(x), bw_is_infinite(x), bw_is_finite(x), bw_is_minus_infinity(x));
    let flags = select(vec4<u32>(0u), vec4<u32>(1u, 2u, 4u, 8u), is);
    result[4u * i] = (flags.x | flags.y | flags.z | flags.w) | (bw_fault(x) << 4u)
        | select(0u, 64u, (bitcast<u32>(bw_nan(bw_fault(x))) & 0x7fffffffu) > 0x7f800000u);
    result[4u * i + 1u] = bitcast<u32>(bw_weigh(x, bitcast<f32>(input[2u * i + 1u])));
    result[4u * i + 2u] = bitcast<u32>(bw_lse_value(bw_lse_merge(bw_lse_empty(), bw_lse_of(x))));
    result[4u * i + 3u] = bitcast<u32>(bw_lse_value(bw_lse_empty()));";

/// Whether the kernels know numbers by their bits: NaN of any payload, infinities, zeros of both signs.
///
/// # Errors
/// The device failed.
pub fn bits_agree(context: &Context, library: &str) -> Result<bool, Error> {
    let edges =
        [0, 1, 0x007f_ffff, 0x0080_0000, 0x3f80_0000, 0x7f7f_ffff, 0x7f80_0000, 0x7f80_0001, 0x7fc0_0000];
    let edges = edges.into_iter().chain([0x7f80_0002, 0x7fff_ffff]).flat_map(|bits| [bits, bits | 1 << 31]);
    let others = [0.0, 1.0, -3.0, f32::MAX, f32::INFINITY, f32::NAN].map(f32::to_bits);
    let input: Vec<[u32; 2]> = edges.flat_map(|bits| others.map(|other| [bits, other])).collect();
    let got = body::run(context, library, BITS, input.as_flattened(), input.len() as u32, 4)?;
    Ok(input.iter().zip(got.chunks_exact(4)).all(|(input, got)| {
        let [x, y] = input.map(f32::from_bits);
        let flags = [x.is_nan(), x.is_infinite(), x.is_finite(), x == f32::NEG_INFINITY];
        let flags = flags.iter().enumerate().map(|(i, &is)| u32::from(is) << i).sum::<u32>();
        let fault = u32::from(x.is_nan()) * status::NAN + u32::from(x.is_infinite()) * status::INFINITE;
        let (product, want) = (f32::from_bits(got[1]), if x == 0.0 { 0.0 } else { x * y });
        // A subnormal may be flushed, to a zero that wins.
        let equal = |a: f32, b: f32| a.to_bits() == b.to_bits() || a - b == 0.0 || a.is_nan() && b.is_nan();
        let same = x.is_subnormal() || equal(product, want);
        let sums = equal(f32::from_bits(got[2]), x) && got[3] == f32::NEG_INFINITY.to_bits();
        got[0] == flags | fault << 4 | 64 && same && (sums || x.is_subnormal())
    }))
}

/// Whether numbers and permutations are core's: in bits, or within their bound.
///
/// # Errors
/// The device failed.
pub fn random_numbers_agree(context: &Context, library: &str) -> Result<bool, Error> {
    let input = random_input();
    let got = body::run(context, library, RANDOM, input.as_flattened(), input.len() as u32, WORDS)?;
    Ok(input.iter().zip(got.chunks_exact(WORDS)).all(|(&input, got)| element_agrees(input, got)))
}

/// Edges of words in every pair of places, and words of a stream.
fn random_input() -> Vec<[u32; 5]> {
    let edges = [0, 1, 2, 0xffff, 0x1_0000, 0x00ff_ffff, 0x0100_0000, 0x8000_0000, 0xd251_1f53, u32::MAX];
    let pairs = edges.into_iter().flat_map(|a| edges.map(|b| [a, b, a ^ b, b.rotate_left(7), a | 1]));
    let stream = Stream { seed: 91, stream: 0 };
    let drawn = (0..1_u64 << 12).map(|i| {
        let [[a, b, c, d], [n, cut, ..]] = [0, 1].map(|block| stream.words(i, block));
        [a >> (cut % 32), b, c, d, n >> (cut / 32 % 32)]
    });
    pairs.chain(drawn).collect()
}

fn element_agrees([a, b, c, d, n]: [u32; 5], got: &[u32]) -> bool {
    let s = Stream { seed: u64::from(b) << 32 | u64::from(a), stream: c };
    let [w, x, y, z] = s.words(u64::from(n) << 32 | u64::from(d), a ^ d);
    let exact = [
        w,
        x,
        y,
        z,
        uniform(a).to_bits(),
        uniform_nonzero(a).to_bits(),
        uniform_open(a).to_bits(),
        below([a, b], n),
        s.permute(n, d),
        s.permute(n, n / 2),
        s.permute(n % 300, d % 300),
        s.permute(2 + d % 7, a % 8),
    ];
    let near = |bits: u32, want: Bound<23>| {
        (f64::from(f32::from_bits(bits)) - want.value).abs() <= want.error && f32::from_bits(bits).is_finite()
    };
    let truth = normal(a);
    let normal = Bound::new(truth, NORMAL_UNITS * f64::from(f32::EPSILON) * truth.abs());
    got[..12] == exact && near(got[12], gumbel(a)) && near(got[13], normal) && got[13] >> 31 == a >> 31
}
