//! What the examples share, and `docs/embedding.md`, whose code is compiled and run as this crate's documentation
//! tests.
#![doc = include_str!("../../docs/embedding.md")]
#![forbid(unsafe_code)]

/// The code of the README runs too.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

use bellwether_core::Error;
use bellwether_core::logprob::Token;
use bellwether_core::pair::presets::DPO;
use bellwether_core::sig::pair_rows;
use bellwether_cpu_ref::step::{Batch, StepOut, step_from_logits};

/// The same numbers in f64.
#[must_use]
pub fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&x| x.into()).collect()
}

/// Numbers in (-4, 4) that look random and are the same everywhere.
#[must_use]
pub fn noise(n: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f32::from((state >> 16) as u16) / 8192.0 - 4.0
    };
    (0..n).map(|_| next()).collect()
}

/// The largest difference of two arrays, relative to the largest number of the second. NaN counts as infinitely far.
#[must_use]
pub fn worst(given: &[f64], expected: &[f64]) -> f64 {
    if given.len() != expected.len() {
        return f64::INFINITY;
    }
    let scale = expected.iter().fold(f64::MIN_POSITIVE, |most, x| most.max(x.abs()));
    let far = |(a, b): (&f64, &f64)| if (a - b).is_nan() { f64::INFINITY } else { (a - b).abs() / scale };
    given.iter().zip(expected).map(far).fold(0.0, f64::max)
}

/// What the examples look at of a step.
#[derive(Clone, Debug)]
pub struct Step {
    /// Reduced loss, mean rewards of chosen and rejected, mean margin, accuracy.
    pub summary: [f64; pair_rows::LOGGED],
    /// Loss, rewards, gradients and so on of every pair: the planes of PairRows, `[8, B]`.
    pub pairs: Vec<f64>,
    /// ∂loss/∂logits, `[2B, T, V]`.
    pub d_logits: Vec<f64>,
}

/// A DPO step in f64 from logits of `v` per row. The driver allocates nothing, so its outputs are made here.
///
/// # Errors
/// Those of [`step_from_logits`].
pub fn dpo_step(batch: &Batch<'_, f64>, logits: &[f64], v: usize) -> Result<Step, Error> {
    let mut workspace = vec![0.0; StepOut::<f64>::elements(batch.pairs, batch.len)];
    let mut out = StepOut::carve(&mut workspace, batch.pairs, batch.len)?;
    let mut d_logits = vec![0.0; logits.len()];
    step_from_logits(&DPO, &Token::default(), batch, (logits, v), &mut out, &mut d_logits)?;
    Ok(Step { summary: out.summary.try_into().unwrap_or_default(), pairs: out.pairs.to_vec(), d_logits })
}
