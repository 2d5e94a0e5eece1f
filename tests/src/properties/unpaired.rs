//! Properties of losses on single responses.

use bellwether_core::unpaired::{ApoZero, Dro, Kto, NashMd, SoftCritic};
use bellwether_cpu_ref::token_map::MapRow;

use super::map::{LEN, ROWS, problem};
use super::{of, run, same};
use crate::problem::{Backend, MapProblem, Outputs};

type Held = Result<(), String>;

/// A plane with its sign changed.
fn negated(plane: &[f64]) -> Vec<f64> {
    plane.iter().map(|x| -x).collect()
}

/// Every number of these planes changed.
fn changed<const N: usize>(planes: [&mut Vec<f64>; N], change: impl Fn(f64) -> f64) {
    planes.into_iter().flatten().for_each(|x| *x = change(*x));
}

/// The same planes, and others with their sign changed.
fn mirrored(got: &Outputs<f64>, want: &Outputs<f64>, equal: &[&str], opposite: &[&str]) -> Held {
    equal.iter().try_for_each(|name| same(name, of(got, name)?, of(want, name)?))?;
    opposite.iter().try_for_each(|name| same(name, of(got, name)?, &negated(of(want, name)?)))
}

/// Policy and reference exchanged and every label turned over: the same losses, opposite rewards and gradients. A shift
/// of rewards changes its sign; a baseline has only one side, so it is not above 0.
pub(super) fn sides_mirrored<O: MapRow>(backend: Backend<'_>) -> Held {
    let mut plain = problem::<O>();
    let third = O::PLANES.constants.get(2).copied();
    if third == Some("kl") {
        plain.constants[2].iter_mut().for_each(|kl| *kl = kl.min(0.0));
    }
    let mut turned = plain.clone();
    std::mem::swap(&mut turned.inputs[0], &mut turned.constants[0]);
    turned.constants[1].iter_mut().for_each(|label| *label = 1.0 - *label);
    if third == Some("delta") {
        turned.constants[2] = negated(&plain.constants[2]);
    }
    mirrored(&run(&turned, backend)?, &run(&plain, backend)?, &["loss"], &["reward", "d_logp"])
}

/// A baseline that is not above 0 leaves APO-zero.
pub(super) fn baseline_of_zero(backend: Backend<'_>) -> Held {
    let mut kto = problem::<Kto>();
    let [reference, labels, kl] = &mut kto.constants[..] else { return Err("three constants".into()) };
    kl.iter_mut().for_each(|kl| *kl = -kl.abs());
    let constants = vec![reference.clone(), labels.clone()];
    let apo = MapProblem { inputs: kto.inputs.clone(), constants, ..problem::<ApoZero>() };
    mirrored(&run(&kto, backend)?, &run(&apo, backend)?, &["loss", "reward", "d_logp"], &[])
}

/// Value and reward moved together change nothing: one gradient by the value is as many by the reward.
pub(super) fn value_apart(backend: Backend<'_>) -> Held {
    // Whole numbers, so that sums are exact.
    let mut plain = problem::<Dro>();
    changed([&mut plain.inputs[1], &mut plain.constants[1]], |x| (x * 16.0).round());
    let mut moved = plain.clone();
    changed([&mut moved.inputs[1], &mut moved.constants[1]], |x| x + 64.0);
    mirrored(&run(&moved, backend)?, &run(&plain, backend)?, &["loss", "d_logp", "d_value"], &[])
}

/// Logit and target turned over: the same loss, the opposite gradient.
pub(super) fn target_mirrored(backend: Backend<'_>) -> Held {
    let mut plain = problem::<SoftCritic>();
    // Eighths, whose distance from 1 is exact.
    plain.constants[0].iter_mut().for_each(|target| *target = (*target * 8.0).round() / 8.0);
    let mut turned = plain.clone();
    turned.inputs[0] = negated(&plain.inputs[0]);
    turned.constants[0].iter_mut().for_each(|target| *target = 1.0 - *target);
    mirrored(&run(&turned, backend)?, &run(&plain, backend)?, &["loss"], &["d_logit"])
}

/// Log-probabilities of policy and reference moved together leave the gradient: it sees their difference alone.
pub(super) fn penalty_is_a_constant(backend: Backend<'_>) -> Held {
    let mut plain = problem::<NashMd>();
    changed([&mut plain.inputs[0], &mut plain.constants[0]], |x| (x * 16.0).round() / 16.0);
    let mut moved = plain.clone();
    changed([&mut moved.inputs[0], &mut moved.constants[0]], |x| x - 4.0);
    let (moved, plain) = (run(&moved, backend)?, run(&plain, backend)?);
    mirrored(&moved, &plain, &["kl", "d_logp"], &[])?;
    let differ = of(&moved, "loss")?.iter().zip(of(&plain, "loss")?).filter(|(a, b)| (*a - *b).abs() > 0.0);
    if differ.count() > ROWS * LEN / 2 {
        Ok(())
    } else {
        Err("the loss does not see the log-probability".into())
    }
}
