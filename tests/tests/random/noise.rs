//! Gumbel and normal numbers of the kernels against their definitions, within derived bounds.

use bellwether_core::random::{NORMAL_UNITS, gumbel, normal, uniform_open};
use bellwether_core::{Bound, Real};

use super::{bits::some_words, common, device};

/// WGSL's f32.
type Wgsl = Bound<23>;
/// Its unit.
const UNIT: f64 = 1.0 / 8_388_608.0;

/// The coefficients of a polynomial of the library, highest first, out of its text.
fn coefficients(function: &str) -> Vec<f64> {
    let (_, rest) =
        device::LIBRARY.split_once(&format!("fn {function}(s: f32)")).expect("the function stands there");
    let body = rest.split('}').next().unwrap_or("");
    let number = |line: &str| {
        let mut parts = line.trim().strip_suffix(';')?.rsplit(' ');
        let magnitude: f32 = parts.next()?.parse().ok()?;
        Some(f64::from(if parts.next() == Some("-") { -magnitude } else { magnitude }))
    };
    body.lines().filter_map(number).collect()
}

/// The kernel's arithmetic on numbers that carry their error.
fn carried(word: u32, polynomials: &[(f64, f64, Vec<f64>)]) -> Wgsl {
    let v = Wgsl::exact(f64::from(uniform_open(word << 1)));
    let t = -(v * (Wgsl::lift(2.0) - v)).ln();
    let (_, centre, p) = polynomials.iter().find(|(end, ..)| t.value < *end).expect("the last has no end");
    let s = t - Wgsl::lift(*centre);
    let ratio = p[1..].iter().fold(Wgsl::exact(p[0]), |sum, &c| sum * s + Wgsl::exact(c));
    (Wgsl::one() - v) * ratio
}

/// [`NORMAL_UNITS`] covers rounding and the polynomials' distance from the truth, and leaves little unused.
#[test]
fn the_units_of_a_normal_are_derived() {
    let low = (3.0, 1.5, coefficients("bw_normal_low"));
    let middle = (8.0, 5.5, coefficients("bw_normal_middle"));
    let high = (f64::INFINITY, 14.75, coefficients("bw_normal_high"));
    let polynomials = [low, middle, high];
    assert!(polynomials.iter().all(|(.., p)| p.len() == 8), "{polynomials:?}");
    let mut worst: f64 = 0.0;
    for word in some_words(21) {
        let (bound, truth) = (carried(word, &polynomials), normal(word & (u32::MAX >> 1)));
        worst = worst.max((bound.error + (bound.value - truth).abs()) / (UNIT * truth));
    }
    println!("normals: {worst:.2} units at most");
    assert!(
        worst <= NORMAL_UNITS && worst > 0.75 * NORMAL_UNITS,
        "{worst} units, {NORMAL_UNITS} are promised"
    );
}

/// Errors of a device's numbers as parts of their bounds: the largest.
fn worst(name: &str, words: &[u32], got: &[u32], bound: impl Fn(u32) -> Wgsl) -> f64 {
    let ratio = |(&word, &got): (&u32, &u32)| {
        let (want, got) = (bound(word), f64::from(f32::from_bits(got)));
        let ratio = (got - want.value).abs() / want.error;
        assert!(ratio <= 1.0, "{name} of {word:#x}: {got:e} instead of {:e} ± {:e}", want.value, want.error);
        ratio
    };
    let worst = words.iter().zip(got).map(ratio).fold(0.0, f64::max);
    println!("{name}: {worst:.3} of the bound");
    worst
}

#[test]
fn noise_of_the_device_is_within_its_bound() {
    let Some(context) = common::context() else { return };
    let input = some_words(22);
    let body = "result[i] = bitcast<u32>(bw_gumbel(input[i]));";
    let got = device::run(&context, body, &input, input.len() as u32, 1);
    let gumbels = worst("gumbel", &input, &got, gumbel::<Wgsl>);

    let body = "result[i] = bitcast<u32>(bw_normal(input[i]));";
    let got = device::run(&context, body, &input, input.len() as u32, 1);
    let promised = |word| {
        let truth = normal(word);
        Wgsl::new(truth, NORMAL_UNITS * UNIT * truth.abs())
    };
    let normals = worst("normal", &input, &got, promised);
    assert!(gumbels > 0.02 && normals > 0.02, "a bound that nothing comes near proves nothing");
    for (word, &bits) in input.iter().zip(&got) {
        assert_eq!(word >> 31, bits >> 31, "the sign of {word:#x}");
    }
}
