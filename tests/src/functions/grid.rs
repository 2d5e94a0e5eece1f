//! Points for functions of several arguments: values that mean something, all with all, and random ones.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::{Args, Function, Worst};

/// Random points of each run.
const RANDOM: usize = 1 << 20;

/// Exponents and log-probabilities.
const PLAIN: [f32; 25] = [
    0.0,
    1e-30,
    1e-8,
    1e-3,
    0.1,
    0.5,
    std::f32::consts::LN_2,
    1.0,
    1.5,
    2.0,
    5.0,
    10.0,
    16.0,
    17.5,
    30.0,
    80.0,
    87.0,
    88.5,
    103.0,
    104.5,
    1e3,
    1e4,
    1e8,
    1e30,
    f32::MAX,
];

/// The points of a function, the same in every run.
pub fn points(function: &Function) -> Vec<Args<f32>> {
    let mut points = structured(function.bound.name);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    points.extend((0..RANDOM).map(|i| random(function.bound.name, i, &mut rng)));
    points
}

/// Looks at the twin on all points.
pub fn sweep(function: &Function) -> Worst {
    let mut worst = Worst::default();
    for args in points(function) {
        worst.see(args, (function.twin)(args), (function.truth)(args.map(f64::from)));
    }
    worst
}

fn structured(name: &str) -> Vec<Args<f32>> {
    let signed = || PLAIN.iter().flat_map(|&x| [x, -x]);
    let pairs = signed().flat_map(|a| signed().map(move |b| (a, b)));
    match name {
        "lse_merge" => {
            let sums = [[1.0, 1.0], [1.0, 151_936.0], [0.0, 3.0], [7.5, 0.0], [1e6, 1.25]];
            pairs.flat_map(|(a, b)| sums.map(|[s, t]| [a, b, s, t])).collect()
        }
        "xlogy" => pairs.map(|(a, b)| [a, b.abs(), 0.0, 0.0]).collect(),
        _ => pairs.map(|(a, b)| [a, b, 0.0, 0.0]).collect(),
    }
}

/// Uniform in 0..1.
fn unit(rng: &mut ChaCha8Rng) -> f32 {
    (rng.next_u32() >> 8) as f32 / 16_777_216.0
}

/// Log-uniform over so many powers of two, with both signs.
fn wide(rng: &mut ChaCha8Rng, powers: f32) -> f32 {
    let magnitude = libm::exp2f((unit(rng) - 0.5) * 2.0 * powers) * (1.0 + unit(rng));
    if rng.next_u32().is_multiple_of(2) { magnitude } else { -magnitude }
}

fn random(name: &str, i: usize, rng: &mut ChaCha8Rng) -> Args<f32> {
    match name {
        "xlogy" => {
            [wide(rng, 30.0), wide(rng, if i.is_multiple_of(2) { 2.0 } else { 120.0 }).abs(), 0.0, 0.0]
        }
        "lse_merge" => {
            let a = wide(rng, 10.0);
            let b = a + wide(rng, 5.0);
            let mut sum = || 1.0 + unit(rng) * libm::exp2f(unit(rng) * 18.0);
            [a, b, sum(), sum()]
        }
        _ if i.is_multiple_of(2) => {
            let a = wide(rng, 20.0);
            [a, a + wide(rng, 5.0), 0.0, 0.0]
        }
        _ => [wide(rng, 20.0), wide(rng, 6.0), 0.0, 0.0],
    }
}
