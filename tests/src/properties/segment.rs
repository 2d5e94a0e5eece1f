//! Properties of statistics of segments.

use bellwether_core::sig::Reduction;
use bellwether_cpu_ref::segment_stats::SegmentOp;

use super::{of, run, same};
use crate::generate::Draw;
use crate::problem::{Backend, KeepBy, SegmentProblem, SegmentsBy};

type Held = Result<(), String>;

const COUNT: usize = 5;
const LEN: usize = 70;

fn problem<O: SegmentOp>() -> SegmentProblem<O> {
    let mut draw = Draw::of("properties of segments");
    SegmentProblem {
        op: O::default(),
        values: draw.normals(COUNT * LEN, 2.0),
        segments: SegmentsBy::Padded(COUNT, LEN),
        keep: KeepBy::All,
        reduction: Reduction::Sum,
        upstream: draw.normals(COUNT, 1.0),
    }
}

/// The same bits in every output.
fn equal<O: SegmentOp>(backend: Backend<'_>, a: &SegmentProblem<O>, b: &SegmentProblem<O>) -> Held {
    let (a, b) = (run(a, backend)?, run(b, backend)?);
    ["value", "count", "status", "d_values"]
        .iter()
        .try_for_each(|name| same(name, of(&a, name)?, of(&b, name)?))
}

/// Segments of equal length are the same padded or packed.
pub(super) fn padded_is_packed<O: SegmentOp>(backend: Backend<'_>) -> Held {
    let padded = problem::<O>();
    let offsets = (0..=COUNT).map(|s| (s * LEN) as u32).collect();
    equal(backend, &SegmentProblem { segments: SegmentsBy::Packed(offsets), ..padded.clone() }, &padded)
}

/// A mask of ones keeps everything.
pub(super) fn mask_of_ones<O: SegmentOp>(backend: Backend<'_>) -> Held {
    let plain = problem::<O>();
    equal(backend, &SegmentProblem { keep: KeepBy::Mask(vec![1; COUNT * LEN]), ..plain.clone() }, &plain)
}

/// Four times the values, or four times the scale, are four times the statistic.
pub(super) fn linear<O: SegmentOp>(backend: Backend<'_>) -> Held {
    let plain = problem::<O>();
    let mut scaled = plain.clone();
    scaled.values.iter_mut().for_each(|x| *x *= 4.0);
    let (plain, scaled) = (run(&plain, backend)?, run(&scaled, backend)?);
    let want: Vec<f64> = of(&plain, "value")?.iter().map(|x| 4.0 * x).collect();
    same("value", of(&scaled, "value")?, &want)?;
    same("d_values", of(&scaled, "d_values")?, of(&plain, "d_values")?)
}

/// Masked elements behind each segment change no count, and no value beyond the order of its sum; here the kept ones
/// keep their lanes, so not even that.
pub(super) fn padding<O: SegmentOp>(backend: Backend<'_>) -> Held {
    const MORE: usize = 29;
    let plain = problem::<O>();
    let widen = |row: &[f64]| [row, &[f64::NAN; MORE]].concat();
    let mask = (0..COUNT * (LEN + MORE)).map(|i| u32::from(i % (LEN + MORE) < LEN)).collect();
    let longer = SegmentProblem {
        values: plain.values.chunks_exact(LEN).flat_map(widen).collect(),
        segments: SegmentsBy::Padded(COUNT, LEN + MORE),
        keep: KeepBy::Mask(mask),
        ..plain.clone()
    };
    let (plain, longer) = (run(&plain, backend)?, run(&longer, backend)?);
    same("value", of(&longer, "value")?, of(&plain, "value")?)?;
    same("count", of(&longer, "count")?, of(&plain, "count")?)
}
