//! Properties of pair losses.

use bellwether_core::pair::{Logistic, Noise, PairLoss};
use bellwether_core::sig::Reduction;
use bellwether_cpu_ref::pair_rows::PairLink;

use super::{near, of, run, same};
use crate::generate::Draw;
use crate::problem::{Backend, PairProblem};

type Held = Result<(), String>;

const N: usize = 80;
const PLANES: [&str; 7] =
    ["loss", "reward_chosen", "reward_rejected", "margin", "accuracy", "d_chosen", "d_rejected"];

/// Log-probabilities that are multiples of 1/256, β a power of two: sums and products with them are exact.
/// Links on log-probabilities take them without a reference.
fn problem<L: PairLink>(link: L) -> PairProblem<L> {
    let mut draw = Draw::of("properties of pairs");
    let mut side = || (0..N).map(|_| (draw.uniform(-40.0, -2.0) * 256.0).round() / 256.0).collect();
    let logps = [side(), side(), side(), side()];
    let loss = PairLoss { reference_free: L::LOG_PROBABILITY, ..PairLoss::new(0.125, link) };
    PairProblem { reduction: Some(Reduction::Sum), ..PairProblem::new(loss, logps) }
}

/// Changes the inputs and demands the same bits in these outputs.
fn unchanged<L: PairLink>(
    backend: Backend<'_>,
    names: &[&str],
    change: impl Fn(&mut PairProblem<L>),
) -> Held {
    let plain = problem(L::default());
    let mut changed = plain.clone();
    change(&mut changed);
    let (plain, changed) = (run(&plain, backend)?, run(&changed, backend)?);
    names.iter().try_for_each(|name| same(name, of(&changed, name)?, of(&plain, name)?))
}

/// A constant on policy and reference of one response, and another of the other, change nothing.
pub(super) fn translated<L: PairLink>(backend: Backend<'_>) -> Held {
    unchanged::<L>(backend, &PLANES, |p| {
        for (plane, by) in p.logps.iter_mut().zip([64.0, 32.0, 64.0, 32.0]) {
            plane.iter_mut().for_each(|x| *x -= by);
        }
    })
}

/// Permuted pairs give permuted results.
pub(super) fn permuted<L: PairLink>(backend: Backend<'_>) -> Held {
    let plain = problem(L::default());
    let mut turned = plain.clone();
    turned.logps.iter_mut().for_each(|plane| plane.rotate_left(33));
    let (plain, turned) = (run(&plain, backend)?, run(&turned, backend)?);
    PLANES.iter().try_for_each(|name| {
        let mut want = of(&plain, name)?.to_vec();
        want.rotate_left(33);
        same(name, of(&turned, name)?, &want)
    })
}

/// Where only `β · S` enters, half of β on twice the log-ratio is the same loss.
pub(super) fn beta_times_ratio<L: PairLink>(backend: Backend<'_>) -> Held {
    unchanged::<L>(backend, &["loss", "reward_chosen", "reward_rejected", "margin", "accuracy"], |p| {
        p.loss.beta *= 0.5;
        p.logps.iter_mut().flatten().for_each(|x| *x *= 2.0);
    })
}

/// Eight micro-batches of ten are one batch of eighty: gradients with the whole batch's denominator, in bits.
pub(super) fn micro_batches<L: PairLink>(backend: Backend<'_>) -> Held {
    let whole = PairProblem { reduction: Some(Reduction::Mean { over: N as u32 }), ..problem(L::default()) };
    let expected = run(&whole, backend)?;
    for part in 0..8 {
        let range = 10 * part..10 * (part + 1);
        let logps = whole.logps.each_ref().map(|plane| plane[range.clone()].to_vec());
        let got = run(&PairProblem { logps, ..whole.clone() }, backend)?;
        PLANES
            .iter()
            .try_for_each(|name| same(name, of(&got, name)?, &of(&expected, name)?[range.clone()]))?;
    }
    Ok(())
}

/// A loss of the difference moves both responses equally and oppositely.
pub(super) fn antisymmetric<L: PairLink>(backend: Backend<'_>) -> Held {
    let outputs = run(&problem(L::default()), backend)?;
    let mirrored: Vec<f64> = of(&outputs, "d_chosen")?.iter().map(|g| -g).collect();
    same("d_rejected", of(&outputs, "d_rejected")?, &mirrored)
}

/// A pair whose label is surely wrong is the pair with chosen and rejected exchanged.
pub(super) fn exchanged_labels<L: PairLink>(backend: Backend<'_>) -> Held {
    let plain = problem(L::default());
    let wrong = PairProblem { extras: [None, None, Some(vec![0.0; N])], ..plain.clone() };
    let (wrong, swapped) = (run(&wrong, backend)?, run(&swapped(&plain), backend)?);
    let pairs = [("loss", "loss"), ("d_chosen", "d_rejected"), ("d_rejected", "d_chosen")];
    pairs.iter().try_for_each(|(name, other)| same(name, of(&wrong, name)?, of(&swapped, other)?))
}

/// The problem with chosen and rejected exchanged.
fn swapped<L: PairLink>(plain: &PairProblem<L>) -> PairProblem<L> {
    let [chosen, rejected, ref_chosen, ref_rejected] = plain.logps.clone();
    PairProblem { logps: [rejected, chosen, ref_rejected, ref_chosen], ..plain.clone() }
}

/// A logistic link under noise.
fn noisy(noise: Noise) -> PairProblem<Logistic> {
    let plain = problem(Logistic {});
    PairProblem { loss: PairLoss { noise, ..plain.loss }, ..plain }
}

/// `L(z) − L(−z) = −(1 − 2ε) z` for the logistic link.
pub(super) fn swap_differs_by_margin(backend: Backend<'_>) -> Held {
    for smoothing in [0.0, 0.25] {
        let plain = noisy(Noise::Conservative { label_smoothing: smoothing });
        let (a, b) = (run(&plain, backend)?, run(&swapped(&plain), backend)?);
        let difference: Vec<f64> = of(&a, "loss")?.iter().zip(of(&b, "loss")?).map(|(x, y)| x - y).collect();
        let want: Vec<f64> = of(&a, "margin")?.iter().map(|z| (2.0 * smoothing - 1.0) * z).collect();
        near("loss(z) - loss(-z)", &difference, &want, 16.0, 8.0)?;
    }
    Ok(())
}

/// `(1 − ε) rDPO(z) + ε rDPO(−z) = DPO(z)`: the mean over flipped labels is the loss without noise.
pub(super) fn unbiased_under_flips(backend: Backend<'_>) -> Held {
    const E: f64 = 0.25;
    let robust = noisy(Noise::Corrected { label_smoothing: E });
    let clean = run(&problem(Logistic {}), backend)?;
    let (kept, flipped) = (run(&robust, backend)?, run(&swapped(&robust), backend)?);
    let pairs = of(&kept, "loss")?.iter().zip(of(&flipped, "loss")?);
    let mean: Vec<f64> = pairs.map(|(a, b)| (1.0 - E) * a + E * b).collect();
    near("mean over flips", &mean, of(&clean, "loss")?, 16.0, 16.0)
}
