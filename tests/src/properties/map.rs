//! Properties of maps of numbers per token.

use bellwether_core::logprob::{K1, K2, K3};
use bellwether_core::sig::Reduction;
use bellwether_cpu_ref::token_map::MapRow;

use super::{of, run, same};
use crate::generate::{Draw, token_map::normal};
use crate::problem::{Backend, Layout, MapProblem, Outputs};

type Held = Result<(), String>;

pub(super) const ROWS: usize = 8;
pub(super) const LEN: usize = 19;

pub(super) fn problem<O: MapRow>() -> MapProblem<O> {
    normal(O::default(), "properties of maps", (ROWS, LEN))
}

/// The same bits in every plane, each of ours changed first.
fn equal<O: MapRow>(got: &Outputs<f64>, want: &Outputs<f64>, change: impl Fn(&[f64]) -> Vec<f64>) -> Held {
    O::PLANES.result().try_for_each(|name| same(name, of(got, name)?, &change(of(want, name)?)))
}

/// Every array, the mask left out.
fn arrays<O>(p: &mut MapProblem<O>) -> impl Iterator<Item = &mut Vec<f64>> {
    p.inputs.iter_mut().chain(&mut p.constants).chain(&mut p.upstream)
}

/// Elements in another order give results in that order.
pub(super) fn tokens_turned<O: MapRow>(backend: Backend<'_>) -> Held {
    let mut turned = problem::<O>();
    arrays(&mut turned).for_each(|array| array.rotate_left(33));
    equal::<O>(&run(&turned, backend)?, &run(&problem::<O>(), backend)?, |plane| {
        [&plane[33..], &plane[..33]].concat()
    })
}

/// Longer rows whose new elements do not count, and may be NaN, change no result; theirs is 0.
pub(super) fn longer_rows<O: MapRow>(backend: Backend<'_>) -> Held {
    const MORE: usize = 46;
    let (plain, mut longer) = (problem::<O>(), problem::<O>());
    let widen = |plane: &[f64], with: f64| -> Vec<f64> {
        plane.chunks(LEN).flat_map(|row| [row, &[with; MORE]].concat()).collect()
    };
    arrays(&mut longer).for_each(|array| *array = widen(array, f64::NAN));
    longer.len = LEN + MORE;
    longer.mask = Some((0..ROWS * (LEN + MORE)).map(|i| u32::from(i % (LEN + MORE) < LEN)).collect());
    equal::<O>(&run(&longer, backend)?, &run(&plain, backend)?, |plane| widen(plane, 0.0))
}

/// A mask of ones, and upstream gradients of 1, are no mask and none.
pub(super) fn ones_are_nothing<O: MapRow>(backend: Backend<'_>) -> Held {
    let plain = problem::<O>();
    let (mask, upstream) = (Some(vec![1; ROWS * LEN]), Some(vec![1.0; ROWS * LEN]));
    let ones = MapProblem { mask, upstream, ..plain.clone() };
    equal::<O>(&run(&ones, backend)?, &run(&plain, backend)?, <[f64]>::to_vec)
}

/// Where arrays lie does not matter.
pub(super) fn any_layout<O: MapRow>(backend: Backend<'_>) -> Held {
    let plain = problem::<O>();
    for layout in [Layout::Interleaved, Layout::Pitched] {
        let moved = MapProblem { layout, ..plain.clone() };
        equal::<O>(&run(&moved, backend)?, &run(&plain, backend)?, <[f64]>::to_vec)?;
    }
    Ok(())
}

/// A row at a time is all rows at once, with the whole batch's denominator.
pub(super) fn rows_alone<O: MapRow>(backend: Backend<'_>) -> Held {
    let plain = problem::<O>();
    let whole = run(&plain, backend)?;
    for range in (0..ROWS).map(|r| r * LEN..(r + 1) * LEN) {
        let mut one = MapProblem { rows: 1, ..plain.clone() };
        arrays(&mut one).for_each(|array| *array = array[range.clone()].to_vec());
        equal::<O>(&run(&one, backend)?, &whole, |plane| plane[range.clone()].to_vec())?;
    }
    Ok(())
}

/// Upstream gradients multiply the gradients, and nothing else.
pub(super) fn upstream_scales<O: MapRow>(backend: Backend<'_>) -> Held {
    let plain = MapProblem { reduction: Reduction::Sum, ..problem::<O>() };
    let weights: Vec<f64> = (0..ROWS * LEN).map(|i| [1.0, 0.0, -4.0, 0.125][i % 4]).collect();
    let weighted = run(&MapProblem { upstream: Some(weights.clone()), ..plain.clone() }, backend)?;
    let plain = run(&plain, backend)?;
    O::PLANES.outputs.iter().try_for_each(|name| same(name, of(&weighted, name)?, of(&plain, name)?))?;
    O::PLANES.gradients.iter().try_for_each(|name| {
        let want: Vec<f64> = of(&plain, name)?.iter().zip(&weights).map(|(x, w)| x * w).collect();
        same(name, of(&weighted, name)?, &want)
    })
}

/// Policy and reference near one another and far apart.
fn ratios<O: MapRow>() -> MapProblem<O> {
    let mut problem = problem::<O>();
    let mut draw = Draw::of("ratios");
    for (i, reference) in problem.constants[0].iter_mut().enumerate() {
        let size = (draw.uniform(-18.0, 4.0)).exp();
        let x = problem.inputs[0][i] + if i % 2 == 0 { size } else { -size };
        *reference = f64::from(x as f32);
    }
    problem
}

/// Policy and reference exchanged.
fn exchanged<O: MapRow>() -> MapProblem<O> {
    let plain = ratios::<O>();
    MapProblem { inputs: plain.constants.clone(), constants: plain.inputs.clone(), ..plain }
}

/// The third estimate is nowhere negative, and nothing is clamped for it: it is positive where the ratio shows.
pub(super) fn never_negative(backend: Backend<'_>) -> Held {
    let plain = ratios::<K3>();
    let outputs = run(&plain, backend)?;
    let pairs = plain.inputs[0].iter().zip(&plain.constants[0]);
    for ((logp, reference), &kl) in pairs.zip(of(&outputs, "kl")?) {
        if !(kl > 0.0 || (kl == 0.0 && logp - reference == 0.0)) {
            return Err(format!("kl is {kl:e} at {logp} and {reference}"));
        }
    }
    Ok(())
}

/// The first estimate changes its sign when policy and reference change places.
pub(super) fn swap_negates(backend: Backend<'_>) -> Held {
    let (plain, turned) = (run(&ratios::<K1>(), backend)?, run(&exchanged::<K1>(), backend)?);
    let mirrored: Vec<f64> = of(&plain, "kl")?.iter().map(|x| -x).collect();
    same("kl", of(&turned, "kl")?, &mirrored)
}

/// The second estimate does not see which of the two is the policy; its gradient does.
pub(super) fn swap_is_nothing(backend: Backend<'_>) -> Held {
    let (plain, turned) = (run(&ratios::<K2>(), backend)?, run(&exchanged::<K2>(), backend)?);
    same("kl", of(&turned, "kl")?, of(&plain, "kl")?)?;
    let mirrored: Vec<f64> = of(&plain, "d_logp")?.iter().map(|x| -x).collect();
    same("d_logp", of(&turned, "d_logp")?, &mirrored)
}

/// A ratio whose exponential f32 does not hold gives an infinite estimate and gradient, and no NaN; its reverse neither.
pub(super) fn beyond_is_infinite(backend: Backend<'_>) -> Held {
    let ratios = [89.0, 1e4, 3e38, -89.0, -1e4, -3e38];
    let zeros = vec![vec![0.0; 6]];
    let plain =
        MapProblem { rows: 1, len: 6, constants: vec![ratios.to_vec()], inputs: zeros, ..problem::<K3>() };
    let outputs = run(&plain, backend)?;
    same("kl", &of(&outputs, "kl")?[..3], &[f64::INFINITY; 3])?;
    same("d_logp", &of(&outputs, "d_logp")?[..3], &[f64::NEG_INFINITY; 3])?;
    let reverse = ratios[3..].iter().map(|d| f64::from((-1.0 - d) as f32)).collect::<Vec<_>>();
    same("kl", &of(&outputs, "kl")?[3..], &reverse)
}
