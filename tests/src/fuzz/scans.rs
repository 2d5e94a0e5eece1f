//! The driver of ReverseScan with arbitrary slices.

use bellwether_core::returns::{Discounted, Gae, OffPolicy, Vtrace};
use bellwether_core::sig::reverse_scan::result as names;
use bellwether_core::sig::segment_stats::Segments;
use bellwether_cpu_ref::reverse_scan::{Order, ScanInputs, ScanRow, reverse_scan as scan};
use bellwether_cpu_ref::token_map::View;

use super::all_or_nothing;
use super::draw::Draw;

/// Sequences as views of larger arrays, with lengths, offsets and masks that mostly are some.
pub(super) fn reverse_scan(data: &[u8]) -> bool {
    let mut d = Draw::new(data);
    let (count, len) = (d.size(4), d.size(5));
    let mut offsets: Vec<u32> = (0..d.near(count.checked_add(1))).map(|_| d.upto(9) as u32).collect();
    if !d.rarely() {
        offsets.sort_unstable();
        offsets.first_mut().into_iter().for_each(|first| *first = 0);
    }
    let packed = d.upto(3) == 0;
    let (rows, shape) = if packed {
        (Segments::Packed { offsets: &offsets }, (1, offsets.last().map_or(0, |&end| end as usize)))
    } else {
        (Segments::Padded { count, len }, (count, len))
    };
    let plane = |d: &mut Draw<'_>| {
        let (row, col) = if d.rarely() { (d.size(6), d.size(3)) } else { (shape.1, 1) };
        let last = shape.0.saturating_sub(1).checked_mul(row).zip(shape.1.saturating_sub(1).checked_mul(col));
        let held = d.near(last.and_then(|(a, b)| a.checked_add(b)?.checked_add(1)));
        (d.numbers(held), row, col)
    };
    let planes = [plane(&mut d), plane(&mut d), plane(&mut d)];
    let view = |k: usize| View { data: &planes[k % 3].0[..], row: planes[k % 3].1, col: planes[k % 3].2 };
    let (numbers, row, col) = plane(&mut d);
    let mask: Vec<u32> = numbers.iter().map(|x| u32::from(*x > 0.0)).collect();
    let lengths: Vec<u32> = (0..d.near(Some(count))).map(|_| d.upto(len.min(6)) as u32).collect();
    let views = [0, 1, 2, 3, 4].map(view);
    let x = |inputs, constants| ScanInputs {
        rows,
        lengths: (!packed && lengths.len() % 2 == 1).then_some(&lengths[..]),
        mask: (numbers.len() % 2 == 1).then_some(View { data: &mask[..], row, col }),
        upstream: (lengths.len() % 3 == 1).then(|| view(2)),
        gradients: mask.len() % 3 != 1,
        order: if mask.len() % 5 == 1 { Order::TimeMajor } else { Order::BatchMajor },
        ..ScanInputs::new(shape, inputs, constants)
    };
    let steps = shape.0.checked_mul(shape.1);
    match d.upto(3) {
        0 => run(&Gae {}, &x(&views, &[]), steps, &mut d),
        1 => run(&Discounted {}, &x(&views[..3], &[]), steps, &mut d),
        2 => run(&OffPolicy { stop_target_gradients: d.any() }, &x(&views, &views[..1]), steps, &mut d),
        _ => {
            let op = Vtrace { clip_rho: d.parameter(1.0), alpha: d.parameter(1.0), ..Vtrace::default() };
            run(&op, &x(&views[..3], &views[..3]), steps, &mut d)
        }
    }
}

fn run<O: ScanRow>(op: &O, x: &ScanInputs<'_, f64>, steps: Option<usize>, d: &mut Draw<'_>) -> bool {
    let count = names(&O::PLANES, x.gradients).count();
    let (reduction, size) = (d.reduction(), d.near(steps.and_then(|n| n.checked_mul(count))));
    all_or_nothing([size], |[result]| scan(op, x, reduction, result))
}
