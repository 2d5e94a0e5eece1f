//! Cases of whole steps of token-level DPO.

use bellwether_core::logprob::Kl;
use bellwether_core::pair::{PairLoss, SequentialKl, presets};
use bellwether_core::sig::Reduction;
use bellwether_core::sig::token_rows::Labels;
use bellwether_cpu_ref::pair_rows::PairLink;

use super::{Case, Draw};
use crate::problem::TdpoProblem;

/// Prompts, padding and NaN in rows that score nothing.
fn batch<L: PairLink>(
    name: &str,
    (loss, term): (PairLoss<L>, SequentialKl),
    (pairs, len, v): (usize, usize, usize),
) -> TdpoProblem<L> {
    let (mut draw, n) = (Draw::of(name), 2 * pairs * len);
    let rules = Labels { seq_len: len, ..Labels::default() };
    let mut labels = draw.labels(n, v, 0.0);
    for row in labels.chunks_exact_mut(len) {
        let (prompt, kept) = (draw.below(len / 2 + 1), 1 + draw.below(len));
        let outside = |t: usize| t < prompt && t > 0 || t >= prompt + kept;
        row.iter_mut().enumerate().filter(|(t, _)| outside(*t)).for_each(|(_, label)| *label = -100);
    }
    let mut logits = [0, 1].map(|_| draw.normals(n * v, 1.5));
    for i in (0..n).filter(|&i| rules.of(&labels, i).is_none()) {
        logits.iter_mut().for_each(|x| x[i * v..][..v].fill(f64::NAN));
    }
    let reduction = Reduction::Mean { over: pairs.max(1) as u32 };
    let divergence = Kl::default();
    TdpoProblem { loss, term, divergence, logits, v, pairs, len, labels, rules, reduction }
}

/// The cases.
pub(super) fn cases() -> Vec<Case> {
    let (first, second) = ((presets::TDPO1, SequentialKl::TDPO1), (presets::TDPO2, SequentialKl::TDPO2));
    let mut cases = Vec::new();
    for (pairs, len, v) in [(1, 1, 2), (1, 9, 40), (3, 17, 65), (5, 40, 130)] {
        for (name, form) in [("TDPO1", first), ("TDPO2", second)] {
            let name = format!("{name}, {pairs} pairs of {len} tokens, v = {v}");
            cases.push(Case::new(&*name, batch(&name, form, (pairs, len, v))));
        }
    }
    let mut warm = batch("temperature", second, (2, 6, 33));
    (warm.divergence.temperature, warm.reduction) = (1.7, Reduction::Mean { over: 16 });
    cases.push(Case::new("a temperature, an eighth of a batch", warm));
    let mut banned = batch("banned in both rows", first, (2, 5, 21));
    for i in 0..banned.labels.len() {
        let token = if banned.labels[i] == 7 { 8 } else { 7 };
        banned.logits.iter_mut().for_each(|x| x[i * 21 + token] = f64::NEG_INFINITY);
    }
    cases.push(Case::new("a token banned in both rows", banned));
    let means = (presets::IPO_TOKEN_MEAN, SequentialKl { weight: 0.0, chosen_gradient: true });
    cases.push(Case::new("no divergence, token means", batch("token means", means, (3, 8, 20))));
    cases
}
