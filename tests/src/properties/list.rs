//! Properties of losses on lists.

use bellwether_core::list::{Aot, ContextMixture, PairwiseLogistic, PlackettLuce};
use bellwether_core::sig::Reduction;
use bellwether_cpu_ref::list_rows::ListRow;

use super::{near, of, run, same};
use crate::generate::{Draw, list_rows::normal};
use crate::problem::{Backend, Layout, ListProblem, Outputs};

type Held = Result<(), String>;

const LISTS: usize = 6;
const ITEMS: usize = 11;

fn problem<O: ListRow>() -> ListProblem<O> {
    normal(O::default(), "properties of lists", (LISTS, ITEMS))
}

/// Planes of one number per list, then those of one per item.
fn names<O: ListRow>() -> impl Iterator<Item = &'static str> {
    O::PLANES.result().chain(O::PLANES.gradients.iter().copied())
}

/// Every array of numbers per item.
fn arrays<O>(p: &mut ListProblem<O>) -> impl Iterator<Item = &mut Vec<f64>> {
    p.inputs.iter_mut().chain(&mut p.constants)
}

/// The same bits in every plane, those per item changed first.
fn equal<O: ListRow>(got: &Outputs<f64>, want: &Outputs<f64>, change: impl Fn(&[f64]) -> Vec<f64>) -> Held {
    O::PLANES.result().try_for_each(|name| same(name, of(got, name)?, of(want, name)?))?;
    O::PLANES.gradients.iter().try_for_each(|name| same(name, of(got, name)?, &change(of(want, name)?)))
}

/// Agreement within the rounding of sums in another order.
fn about<O: ListRow>(got: &Outputs<f64>, want: &Outputs<f64>, change: impl Fn(&[f64]) -> Vec<f64>) -> Held {
    let held = |name, want: &[f64]| {
        let scale = want.iter().fold(1.0, |a: f64, b| a.max(b.abs()));
        near(name, of(got, name)?, want, 64.0, scale)
    };
    O::PLANES.result().try_for_each(|name| held(name, of(want, name)?))?;
    O::PLANES.gradients.iter().try_for_each(|name| held(name, &change(of(want, name)?)))
}

/// Each list's items in another order.
fn turned<T: Copy>(plane: &[T]) -> Vec<T> {
    plane.chunks(ITEMS).flat_map(|row| [&row[4..], &row[..4]].concat()).collect()
}

/// Items in another order, with their ranks, give gradients in that order.
pub(super) fn items_turned<O: ListRow>(backend: Backend<'_>) -> Held {
    let mut other = problem::<O>();
    arrays(&mut other).for_each(|array| *array = turned(array));
    other.rank = other.rank.map(|rank| turned(&rank));
    about::<O>(&run(&other, backend)?, &run(&problem::<O>(), backend)?, turned)
}

/// Padding, which may be NaN and has no ranks, changes no result; its gradient is 0.
pub(super) fn longer_lists<O: ListRow>(backend: Backend<'_>) -> Held {
    const MORE: usize = 60;
    fn widen<T: Copy>(plane: &[T], with: T) -> Vec<T> {
        plane.chunks(ITEMS).flat_map(|row| [row, &[with; MORE]].concat()).collect()
    }
    let (plain, mut longer) = (problem::<O>(), problem::<O>());
    arrays(&mut longer).for_each(|array| *array = widen(array, f64::NAN));
    longer.rank = longer.rank.map(|rank| widen(&rank, 0));
    (longer.items, longer.length) = (ITEMS + MORE, Some(vec![ITEMS as u32; LISTS]));
    equal::<O>(&run(&longer, backend)?, &run(&plain, backend)?, |plane| widen(plane, 0.0))
}

/// A list at a time is all lists at once, with the whole batch's denominator.
pub(super) fn lists_alone<O: ListRow>(backend: Backend<'_>) -> Held {
    let plain = problem::<O>();
    let whole = run(&plain, backend)?;
    for row in 0..LISTS {
        let items = row * ITEMS..(row + 1) * ITEMS;
        let mut one = ListProblem { lists: 1, ..plain.clone() };
        arrays(&mut one).for_each(|array| *array = array[items.clone()].to_vec());
        one.rank = one.rank.map(|rank| rank[items.clone()].to_vec());
        let got = run(&one, backend)?;
        for name in names::<O>() {
            let whole = of(&whole, name)?;
            let range = if whole.len() == LISTS { row..row + 1 } else { items.clone() };
            same(name, of(&got, name)?, &whole[range])?;
        }
    }
    Ok(())
}

/// Where arrays lie does not matter.
pub(super) fn any_layout<O: ListRow>(backend: Backend<'_>) -> Held {
    let plain = problem::<O>();
    for layout in [Layout::Interleaved, Layout::Pitched] {
        let moved = ListProblem { layout, ..plain.clone() };
        equal::<O>(&run(&moved, backend)?, &run(&plain, backend)?, <[f64]>::to_vec)?;
    }
    Ok(())
}

/// Upstream gradients multiply the gradients, and nothing else.
pub(super) fn upstream_scales<O: ListRow>(backend: Backend<'_>) -> Held {
    let plain = ListProblem { reduction: Reduction::Sum, ..problem::<O>() };
    let weights: Vec<f64> = (0..LISTS).map(|i| [1.0, 0.0, -4.0, 0.125][i % 4]).collect();
    let weighted = run(&ListProblem { upstream: Some(weights.clone()), ..plain.clone() }, backend)?;
    let scaled = |plane: &[f64]| plane.iter().enumerate().map(|(i, x)| x * weights[i / ITEMS]).collect();
    equal::<O>(&weighted, &run(&plain, backend)?, scaled)
}

/// Every list's first input moved by a number of its own changes nothing beyond rounding.
pub(super) fn shifted<O: ListRow>(backend: Backend<'_>) -> Held {
    let mut moved = problem::<O>();
    for (row, list) in moved.inputs[0].chunks_mut(ITEMS).enumerate() {
        list.iter_mut().for_each(|x| *x = f64::from((*x + row as f64 - 2.0) as f32));
    }
    about::<O>(&run(&moved, backend)?, &run(&problem::<O>(), backend)?, <[f64]>::to_vec)
}

/// The gradients of a list by its first input sum to 0.
pub(super) fn gradients_sum_to_zero<O: ListRow>(backend: Backend<'_>) -> Held {
    let outputs = run(&problem::<O>(), backend)?;
    let gradients = of(&outputs, O::PLANES.gradients[0])?;
    let sums: Vec<f64> = gradients.chunks(ITEMS).map(|list| list.iter().sum()).collect();
    let scale = gradients.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
    if scale == 0.0 { Err("no gradient".into()) } else { near("sums", &sums, &[0.0; LISTS], 64.0, scale) }
}

/// The gradients by the weights of a list sum to −1, times the batch's scale: they are shares.
pub(super) fn shares_sum_to_one(backend: Backend<'_>) -> Held {
    let problem = ListProblem { reduction: Reduction::Sum, ..problem::<ContextMixture>() };
    let outputs = run(&problem, backend)?;
    let shares = of(&outputs, "d_log_weight")?.chunks(ITEMS);
    near("sums", &shares.map(|list| list.iter().sum()).collect::<Vec<_>>(), &[-1.0; LISTS], 16.0, 1.0)
}

/// Lists of two items, the better one first or second.
fn pairs<O: ListRow>() -> ListProblem<O> {
    let mut problem = normal(O::default(), "lists of two", (64, 2));
    let mut draw = Draw::of("which wins");
    problem.rank = Some((0..64).flat_map(|_| if draw.unit() < 0.5 { [1, 2] } else { [2, 1] }).collect());
    let ranks = problem.rank.iter().flatten();
    problem.constants.iter_mut().for_each(|gain| *gain = ranks.clone().map(|&r| f64::from(2 - r)).collect());
    problem
}

/// A ranking of two is a pair: both losses are the logistic one, in bits.
pub(super) fn two_are_a_pair(backend: Backend<'_>) -> Held {
    let ranking = run(&pairs::<PlackettLuce>(), backend)?;
    let mut unit = pairs::<PairwiseLogistic>();
    unit.op.unit = true;
    let all = run(&unit, backend)?;
    same("loss", of(&all, "loss")?, of(&ranking, "loss")?)?;
    same("d_score", of(&all, "d_score")?, of(&ranking, "d_score")?)
}

/// Samples are not paired: either array in another order changes no loss, and gradients go with their numbers.
pub(super) fn each_array_turned(backend: Backend<'_>) -> Held {
    let mut other = problem::<Aot>();
    other.inputs[1] = turned(&other.inputs[1]);
    let (got, want) = (run(&other, backend)?, run(&problem::<Aot>(), backend)?);
    same("loss", of(&got, "loss")?, of(&want, "loss")?)?;
    same("d_above", of(&got, "d_above")?, of(&want, "d_above")?)?;
    same("d_below", of(&got, "d_below")?, &turned(of(&want, "d_below")?))
}
