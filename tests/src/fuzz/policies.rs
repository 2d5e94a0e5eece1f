//! The driver of PolicyRows with arbitrary slices.

use bellwether_core::policy::{Aggregate, Cispo, Clip, Gmpo, Level, PolicyLoss, Sapo, Vespo};
use bellwether_core::sig::policy_rows::PLANES;
use bellwether_cpu_ref::policy_rows::{PolicyInputs, SurrogateRow, policy_rows as driver};
use bellwether_cpu_ref::token_map::View;

use super::all_or_nothing;
use super::draw::Draw;

/// Sequences as views of larger arrays; what is optional is there or not.
pub(super) fn policy_rows(data: &[u8]) -> bool {
    let mut d = Draw::new(data);
    let (rows, len) = (d.size(4), d.size(5));
    let plane = |d: &mut Draw<'_>| {
        let (row, col) = if d.rarely() { (d.size(6), d.size(3)) } else { (len, 1) };
        let last = rows.saturating_sub(1).checked_mul(row).zip(len.saturating_sub(1).checked_mul(col));
        let held = d.near(last.and_then(|(a, b)| a.checked_add(b)?.checked_add(1)));
        (d.numbers(held), row, col, d.any::<bool>())
    };
    let planes: Vec<_> = (0..5).map(|_| plane(&mut d)).collect();
    let view = |k: usize| View { data: &planes[k].0[..], row: planes[k].1, col: planes[k].2 };
    let optional = |k: usize| planes[k].3.then(|| view(k));
    let words: Vec<u32> = (0..d.near(rows.checked_mul(len))).map(|_| d.upto(2) as u32).collect();
    let up = d.near(Some(rows));
    let up = d.numbers(up);
    let x = PolicyInputs {
        old_logp: optional(2),
        ref_logp: optional(3),
        weight: optional(4),
        mask: d.any::<bool>().then(|| View::packed(&words, len)),
        upstream: d.any::<bool>().then_some(&up[..]),
        ..PolicyInputs::new((rows, len), view(0), view(1))
    };
    match d.upto(4) {
        0 => run(Clip { epsilon_low: d.parameter(0.2), ..Clip::default() }, &x, &mut d),
        1 => run(Cispo { epsilon_high: d.parameter(5.0) }, &x, &mut d),
        2 => run(Sapo { temperature_pos: d.parameter(1.0), ..Sapo::default() }, &x, &mut d),
        3 => run(Vespo { k_pos: d.parameter(2.0), ..Vespo::default() }, &x, &mut d),
        _ => run(Gmpo { epsilon_high: d.parameter(0.4), ..Gmpo::default() }, &x, &mut d),
    }
}

fn run<S: SurrogateRow>(surrogate: S, x: &PolicyInputs<'_, f64>, d: &mut Draw<'_>) -> bool {
    let level = d.pick(&[Level::Token, Level::Sequence, Level::SequenceToken, Level::SequenceSum]);
    let aggregate = d.pick(&[Aggregate::SequenceMean, Aggregate::TokenMean]);
    let (beta, corrected) = (d.parameter(0.0), d.any());
    let loss = PolicyLoss { level, aggregate, beta, corrected, surrogate };
    let planes = d.near(x.rows.checked_mul(PLANES.len() + S::METRICS.len() + 1));
    let (reduction, sizes) = (d.reduction(), [planes, d.near(x.rows.checked_mul(x.len))]);
    all_or_nothing(sizes, |[result, gradient]| driver(&loss, x, reduction, result, gradient))
}
