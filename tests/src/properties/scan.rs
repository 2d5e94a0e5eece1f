//! Properties of affine scans.

use bellwether_cpu_ref::reverse_scan::ScanRow;

use super::{of, run, same};
use crate::generate::{Draw, reverse_scan::normal};
use crate::problem::{Backend, Layout, Outputs, Rows, ScanProblem};

type Held = Result<(), String>;

const ROWS: usize = 5;
/// More than a tile.
const LEN: usize = 531;

fn problem<O: ScanRow>() -> ScanProblem<O> {
    let mut problem = normal(O::default(), "properties of scans", (ROWS, LEN));
    problem.upstream = Some(Draw::of("properties of scans, upstream").normals(ROWS * LEN, 1.0));
    problem
}

/// Every array, the words left out.
fn arrays<O>(p: &mut ScanProblem<O>) -> impl Iterator<Item = &mut Vec<f64>> {
    p.inputs.iter_mut().chain(&mut p.constants).chain(&mut p.upstream)
}

/// The same bits in every plane, each of ours changed first.
fn equal<O: ScanRow>(got: &Outputs<f64>, want: &Outputs<f64>, change: impl Fn(&[f64]) -> Vec<f64>) -> Held {
    let names = problem::<O>().names();
    names.into_iter().try_for_each(|name| same(name, of(got, name)?, &change(of(want, name)?)))
}

/// A row at a time is all rows at once.
pub(super) fn each_row_alone<O: ScanRow>(backend: Backend<'_>) -> Held {
    let plain = problem::<O>();
    let whole = run(&plain, backend)?;
    for range in (0..ROWS).map(|r| r * LEN..(r + 1) * LEN) {
        let mut one = plain.clone();
        one.rows = Rows::Padded { rows: 1, len: LEN, lengths: None };
        arrays(&mut one).for_each(|array| *array = array[range.clone()].to_vec());
        equal::<O>(&run(&one, backend)?, &whole, |plane| plane[range.clone()].to_vec())?;
    }
    Ok(())
}

/// Longer rows whose new steps do not count, and may be NaN, change no result; theirs is 0.
pub(super) fn padded_rows<O: ScanRow>(backend: Backend<'_>) -> Held {
    const MORE: usize = 600;
    let (plain, mut longer) = (problem::<O>(), problem::<O>());
    let widen = |plane: &[f64], with: f64| -> Vec<f64> {
        plane.chunks(LEN).flat_map(|row| [row, &[with; MORE]].concat()).collect()
    };
    arrays(&mut longer).for_each(|array| *array = widen(array, f64::NAN));
    let want = run(&plain, backend)?;
    longer.rows = Rows::Padded { rows: ROWS, len: LEN + MORE, lengths: Some(vec![LEN as u32; ROWS]) };
    equal::<O>(&run(&longer, backend)?, &want, |plane| widen(plane, 0.0))?;
    longer.rows = Rows::Padded { rows: ROWS, len: LEN + MORE, lengths: None };
    longer.mask = Some((0..ROWS * (LEN + MORE)).map(|i| u32::from(i % (LEN + MORE) < LEN)).collect());
    equal::<O>(&run(&longer, backend)?, &want, |plane| widen(plane, 0.0))
}

/// Packed rows are padded ones without padding.
pub(super) fn packed_is_padded<O: ScanRow>(backend: Backend<'_>) -> Held {
    let plain = problem::<O>();
    let rows = Rows::Packed((0..=ROWS).map(|r| (r * LEN) as u32).collect());
    let packed = ScanProblem { rows, ..plain.clone() };
    equal::<O>(&run(&packed, backend)?, &run(&plain, backend)?, <[f64]>::to_vec)
}

/// Where arrays lie does not matter, nor which axis comes first.
pub(super) fn every_layout<O: ScanRow>(backend: Backend<'_>) -> Held {
    let plain = problem::<O>();
    for layout in [Layout::Interleaved, Layout::Pitched, Layout::TimeMajor] {
        let moved = ScanProblem { layout, ..plain.clone() };
        equal::<O>(&run(&moved, backend)?, &run(&plain, backend)?, <[f64]>::to_vec)?;
    }
    Ok(())
}

/// Upstream gradients multiply the gradients, and nothing else.
pub(super) fn upstream_multiplies<O: ScanRow>(backend: Backend<'_>) -> Held {
    let (plain, mut four) = (problem::<O>(), problem::<O>());
    four.upstream.iter_mut().flatten().for_each(|x| *x *= 4.0);
    let (four, plain) = (run(&four, backend)?, run(&plain, backend)?);
    O::PLANES.outputs.iter().try_for_each(|name| same(name, of(&four, name)?, of(&plain, name)?))?;
    O::PLANES.gradients.iter().try_for_each(|name| {
        let want: Vec<f64> = of(&plain, name)?.iter().map(|x| 4.0 * x).collect();
        same(name, of(&four, name)?, &want)
    })
}

/// What follows an episode's end changes nothing before it.
pub(super) fn episodes_apart<O: ScanRow>(backend: Backend<'_>) -> Held {
    const END: usize = 300;
    let (mut plain, mut other) = (problem::<O>(), problem::<O>());
    for problem in [&mut plain, &mut other] {
        let inputs = O::PLANES.inputs.iter().zip(&mut problem.inputs);
        let all = inputs.chain(O::PLANES.constants.iter().zip(&mut problem.constants));
        for (_, array) in all.filter(|(name, _)| **name == "discount_t") {
            array.chunks_mut(LEN).for_each(|row| row[END] = 0.0);
        }
    }
    other.inputs.iter_mut().for_each(|array| {
        array.chunks_mut(LEN).for_each(|row| row[END + 1..].iter_mut().for_each(|x| *x = 0.75 - *x));
    });
    let before =
        |plane: &[f64]| -> Vec<f64> { plane.chunks(LEN).flat_map(|row| &row[..END]).copied().collect() };
    let (plain, other) = (run(&plain, backend)?, run(&other, backend)?);
    let names = problem::<O>().names();
    names.into_iter().try_for_each(|name| same(name, &before(of(&other, name)?), &before(of(&plain, name)?)))
}
