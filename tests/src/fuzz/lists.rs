//! The driver of ListRows with arbitrary slices.

use bellwether_core::list::{Aot, Brain, ContextMixture, Copg, LeaveOneOut, PairwiseLogistic, PlackettLuce};
use bellwether_cpu_ref::list_rows::{self as lists, ListInputs, ListRow};
use bellwether_cpu_ref::token_map::View;

use super::all_or_nothing;
use super::draw::Draw;

/// Lists as views of larger arrays, with ranks and lengths that mostly are some.
pub(super) fn list_rows(data: &[u8]) -> bool {
    let mut d = Draw::new(data);
    let (rows, items) = (d.size(4), d.size(5));
    let held = |d: &mut Draw<'_>, row: usize, col: usize| {
        let last = rows.saturating_sub(1).checked_mul(row).zip(items.saturating_sub(1).checked_mul(col));
        d.near(last.and_then(|(a, b)| a.checked_add(b)?.checked_add(1)))
    };
    let plane = |d: &mut Draw<'_>| {
        let (row, col) = if d.rarely() { (d.size(6), d.size(3)) } else { (items, 1) };
        let held = held(d, row, col);
        (d.numbers(held), row, col)
    };
    let planes = [plane(&mut d), plane(&mut d), plane(&mut d), plane(&mut d)];
    let view = |k: usize| View { data: &planes[k].0[..], row: planes[k].1, col: planes[k].2 };
    let length: Vec<u32> = (0..d.near(Some(rows))).map(|_| d.upto(items.min(6)) as u32).collect();
    let length = d.any::<bool>().then_some(&length[..]);
    let count = held(&mut d, items, 1);
    let wrong = d.upto(3) == 3;
    let rank: Vec<u32> = (0..count)
        .map(|i| if wrong && d.rarely() { d.any() } else { (i % items.max(1)) as u32 + 1 })
        .collect();
    let rank = View { data: &rank[..], row: items, col: 1 };
    let up = d.near(Some(rows));
    let up = d.numbers(up);
    let upstream = d.any::<bool>().then_some(&up[..]);
    let x = |inputs, constants, rank| {
        let plain = ListInputs::new((rows, items), inputs, constants, rank);
        ListInputs { length, upstream, ..plain }
    };
    let (one, two, three) = ([view(0)], [view(0), view(1)], [view(1), view(2), view(3)]);
    match d.upto(6) {
        0 => run(&PairwiseLogistic { unit: d.any() }, &x(&one, &three[..1], Some(rank)), &mut d),
        1 => run(&Brain { gamma: d.parameter(1.0) }, &x(&one, &three, None), &mut d),
        2 => run(&Copg { beta: d.parameter(0.1) }, &x(&one, &three[..1], None), &mut d),
        3 => run(&LeaveOneOut {}, &x(&one, &three[..1], None), &mut d),
        4 => run(&ContextMixture {}, &x(&two, &[], None), &mut d),
        5 => {
            let op = Aot { beta: d.parameter(0.1), label_smoothing: d.parameter(0.0) };
            run(&op, &x(&two, &[], None), &mut d)
        }
        _ => run(&PlackettLuce { top: d.upto(3) as u32 }, &x(&one, &[], Some(rank)), &mut d),
    }
}

fn run<O: ListRow>(op: &O, x: &ListInputs<'_, f64>, d: &mut Draw<'_>) -> bool {
    let planes = d.near(x.lists.checked_mul(O::PLANES.count()));
    let all = x.lists.checked_mul(x.items).and_then(|n| n.checked_mul(O::PLANES.inputs.len()));
    let (reduction, sizes) = (d.reduction(), [planes, d.near(all)]);
    all_or_nothing(sizes, |[result, gradients]| lists::list_rows(op, x, reduction, result, gradients))
}
