//! Bytes, uniforms, bounded integers, Gumbel and normal numbers have the distributions that they are named after.

use bellwether_core::random::{below, gumbel, normal, uniform, uniform_nonzero, uniform_open};

use super::statistics::{are_even, follows, has_moments};
use super::{stream, words};

const N: u64 = 1 << 19;

#[test]
fn bytes_are_even() {
    let mut counts = [[0_u64; 256]; 16];
    for i in 0..N {
        let bytes = stream(31).words(i, 0).map(u32::to_le_bytes);
        for (k, &byte) in bytes.as_flattened().iter().enumerate() {
            counts[k][usize::from(byte)] += 1;
        }
    }
    for (k, counts) in counts.iter().enumerate() {
        are_even(&format!("byte {k}"), counts, 255.0);
    }
}

#[test]
fn uniforms_are_uniform() {
    for (name, f) in
        [("[0, 1)", uniform as fn(u32) -> f32), ("(0, 1]", uniform_nonzero), ("(0, 1)", uniform_open)]
    {
        let xs: Vec<f64> = words(stream(32), N).into_iter().map(|w| f64::from(f(w))).collect();
        has_moments(name, &xs, 0.5, 1.0 / 12.0, -1.2);
        follows(name, xs, |x| x);
    }
}

/// The last is 3 · 2³⁰, where a remainder would favour the first third two to one.
#[test]
fn bounded_integers_are_even() {
    for n in [1_u32, 2, 3, 10, 1000, 3 << 30] {
        let cells = n.min(1000);
        let mut counts = vec![0; cells as usize];
        for i in 0..N {
            let [a, b, ..] = stream(33).words(i, 0);
            let x = below([a, b], n);
            assert!(x < n, "{x} below {n}");
            counts[(u64::from(x) * u64::from(cells) / u64::from(n)) as usize] += 1;
        }
        if cells > 1 {
            are_even(&format!("below {n}"), &counts, f64::from(cells - 1));
        }
    }
}

#[test]
fn gumbels_are_gumbel() {
    let xs: Vec<f64> = words(stream(34), N).into_iter().map(gumbel).collect();
    let euler = 0.577_215_664_901_532_9;
    has_moments("gumbel", &xs, euler, std::f64::consts::PI.powi(2) / 6.0, 2.4);
    follows("gumbel", xs, |x| (-(-x).exp()).exp());
}

#[test]
fn normals_are_normal() {
    let xs: Vec<f64> = words(stream(35), N).into_iter().map(normal).collect();
    has_moments("normal", &xs, 0.0, 1.0, 0.0);
    let fourth: f64 = xs.iter().map(|x| x.powi(4)).sum::<f64>() / N as f64;
    assert!((fourth - 3.0).abs() < 5.0 * (96.0 / N as f64).sqrt(), "fourth moment {fourth}");
    follows("normal", xs, |x| libm::erfc(-x / std::f64::consts::SQRT_2) / 2.0);
}

/// What Gumbel numbers are for: the argmax of logit + Gumbel follows the softmax.
#[test]
fn the_argmax_is_a_draw_from_the_softmax() {
    let weights = [1_u64, 2, 3, 10];
    let mut counts = [0_u64; 4];
    for i in 0..N {
        let noise = stream(36).words(i, 0).map(gumbel::<f64>);
        let score = |k: &usize| (weights[*k] as f64).ln() + noise[*k];
        let best = (0..4).max_by(|a, b| score(a).total_cmp(&score(b))).expect("four candidates");
        counts[best] += 1;
    }
    for (k, weight) in weights.into_iter().enumerate() {
        let p = weight as f64 / 16.0;
        let off = (counts[k] as f64 - N as f64 * p) / (N as f64 * p * (1.0 - p)).sqrt();
        assert!(off.abs() < 5.0, "candidate {k}: {} draws, {off} deviations", counts[k]);
    }
}
