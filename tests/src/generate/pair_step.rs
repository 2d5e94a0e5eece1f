//! Cases of whole steps.

use bellwether_core::pair::{PairLoss, presets};
use bellwether_core::sig::Reduction;
use bellwether_core::sig::token_rows::Labels;
use bellwether_cpu_ref::pair_rows::PairLink;

use super::{Case, Draw};
use crate::problem::{Head, StepProblem};

/// A batch of `pairs` with prompts and padding; rows that score nothing are NaN.
fn batch<L: PairLink>(
    name: &str,
    loss: PairLoss<L>,
    (pairs, len, v, h): (usize, usize, usize, usize),
) -> StepProblem<L> {
    let (mut draw, n) = (Draw::of(name), 2 * pairs * len);
    let rules = Labels { seq_len: len, ..Labels::default() };
    let mut labels = draw.labels(n, v.max(1), 0.0);
    for row in labels.chunks_exact_mut(len) {
        let (prompt, kept) = (draw.below(len / 2 + 1), 1 + draw.below(len));
        for (t, label) in row.iter_mut().enumerate() {
            if t < prompt && t > 0 || t >= prompt + kept {
                *label = -100;
            }
        }
    }
    let width = if h == 0 { v.max(1) } else { h };
    let mut x = draw.normals(n * width, 1.0);
    if v == 0 {
        x.iter_mut().for_each(|x| *x = -(3.0 * *x).abs() - 0.01);
    }
    for (i, row) in x.chunks_exact_mut(width).enumerate() {
        if rules.of(&labels, i).is_none() {
            row.fill(f64::NAN);
        }
    }
    let head = match h {
        0 if v == 0 => Head::Logps(x),
        0 => Head::Logits(x),
        _ => Head::Hidden { hidden: x, weight: draw.normals(v * h, 1.0 / (h as f64).sqrt()), bias: None, h },
    };
    let ref_logps = (0..n).map(|_| draw.uniform(-6.0, -1.0)).collect();
    let reduction = Reduction::Mean { over: pairs.max(1) as u32 };
    StepProblem {
        loss,
        head,
        v,
        pairs,
        len,
        labels,
        rules,
        ref_logps,
        reduction,
        extras: [None, None, None],
        tail: None,
    }
}

/// The cases.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (pairs, len, v) in [(1, 1, 2), (1, 9, 40), (3, 17, 65), (5, 64, 130)] {
        let name = format!("logits, {pairs} pairs of {len} tokens, v = {v}");
        cases.push(Case::new(&*name, batch(&name, presets::DPO, (pairs, len, v, 0))));
    }
    for (pairs, len, v, h) in [(1, 5, 10, 3), (3, 17, 65, 20), (9, 40, 70, 16)] {
        let name = format!("hidden, {pairs} pairs of {len} tokens, v = {v}, h = {h}");
        cases.push(Case::new(&*name, batch(&name, presets::DPO, (pairs, len, v, h))));
    }
    let shape = (4, 12, 50, 0);
    cases.push(Case::new("IPO on token means", batch("IPO", presets::IPO_TOKEN_MEAN, shape)));
    cases.push(Case::new("hinge", batch("hinge", presets::HINGE, shape)));
    cases.push(Case::new("APO-zero", batch("APO-zero", presets::APO_ZERO, shape)));
    cases.push(Case::new("NCA from hidden", batch("NCA", presets::NCA, (4, 12, 50, 8))));
    cases.extend(given());
    let mut biased = batch("bias", presets::SIMPO, (4, 12, 50, 8));
    if let Head::Hidden { bias, .. } = &mut biased.head {
        *bias = Some(Draw::of("bias of the head").normals(50, 1.0));
    }
    cases.push(Case::new("SimPO from hidden states with a bias", biased));
    let mut part = batch("an eighth of a batch", presets::RDPO, (2, 12, 50, 8));
    part.reduction = Reduction::Mean { over: 16 };
    cases.push(Case::new("an eighth of a batch", part));
    cases
}

/// Steps from token log-probabilities, and pairs that bring something along.
fn given() -> Vec<Case> {
    let shape = (9, 17, 0, 0);
    let own = |name: &str, low: f64, high: f64| -> Option<Vec<f64>> {
        let mut draw = Draw::of(name);
        Some((0..9).map(|_| f64::from(draw.uniform(low, high) as f32)).collect())
    };
    let mut regression = batch("REBEL", presets::REBEL, shape);
    regression.extras[1] = own("margins of a step", -1.0, 1.0);
    let mut optimistic = batch("XPO", presets::XPO, shape);
    optimistic.loss.optimism = 0.1;
    optimistic.extras[2] = own("preferences of a step", 0.0, 1.0);
    let mut weighted = batch("WPO", presets::DPO, (9, 17, 33, 0));
    weighted.extras = [own("weights of a step", 0.0, 2.0), own("margins beside weights", -1.0, 1.0), None];
    let tailed = |name: &str, v: usize, weight: f64| {
        let mut step = batch(name, presets::LD_DPO, (9, 17, v, 0));
        step.tail = Some(weight);
        Case::new(name, step)
    };
    let mut masked = batch("LD-DPO, a reference of NaN where nothing counts", presets::LD_DPO, (5, 11, 0, 0));
    masked.tail = Some(0.25);
    for i in 0..masked.labels.len() {
        if masked.rules.of(&masked.labels, i).is_none() {
            masked.ref_logps[i] = f64::NAN;
        }
    }
    vec![
        tailed("LD-DPO from log-probabilities", 0, 0.5),
        tailed("LD-DPO from logits", 33, 0.3),
        tailed("LD-DPO without tails", 0, 0.0),
        tailed("LD-DPO of whole tails", 21, 1.0),
        Case::new("LD-DPO, a reference of NaN where nothing counts", masked),
        Case::new("ORPO from log-probabilities", batch("ORPO", presets::ORPO, shape)),
        Case::new("CPO from log-probabilities", batch("CPO", presets::CPO, shape)),
        Case::new("REBEL from log-probabilities", regression),
        Case::new("XPO from log-probabilities", optimistic),
        Case::new("DPO with weights and margins from logits", weighted),
    ]
}
