//! The drivers of the signatures with arbitrary slices.

use bellwether_core::logprob::{
    AlphaDivergence, Dft, Js, K3, Kl, Linear, SequenceMean, SequenceSum, Token, TopEntropy, TopK,
};
use bellwether_core::pair::{
    Exo, Length, Logistic, Nca, Noise, OddsRatio, PairLoss, Reward, Score, Sft, Sppo, Square,
};
use bellwether_core::sig::logit_pairs::{self as two, By, PairLayout};
use bellwether_core::sig::segment_stats::{Keep, Segments};
use bellwether_core::sig::{
    Reduction, pair_rows as pair, segment_stats as segment, token_rows as token, top_rows as top,
};
use bellwether_cpu_ref::fused_linear as fused;
use bellwether_cpu_ref::fused_linear::{Hidden, HiddenGradients};
use bellwether_cpu_ref::logit_pairs::{self as pairs_of, LogitPairs, PairRow};
use bellwether_cpu_ref::pair_rows::{self as pairs, Extras, PairInputs, PairLink, Plane};
use bellwether_cpu_ref::segment_stats::{self as stats, SegmentOp, Values};
use bellwether_cpu_ref::token_map::{self as maps, MapInputs, MapOp, View};
use bellwether_cpu_ref::token_rows::{self as tokens, TokenUpstream, Tokens};
use bellwether_cpu_ref::token_states::{self as states, Shard};
use bellwether_cpu_ref::top_rows::{self as largest, TopUpstream};

use super::all_or_nothing;
use super::distillation::distillation;
use super::draw::Draw;

pub(super) fn token_rows(data: &[u8]) -> bool {
    let mut d = Draw::new(data);
    let (n, v) = (d.upto(8), d.size(8));
    let labels = d.labels(n, v);
    let stride = if d.rarely() { d.size(12) } else { v };
    let op = token_op(&mut d);
    let (held, rules) = (d.near(n.checked_mul(stride)), d.rules(4));
    let logits = d.numbers(held);
    let mask = mask(&mut d, n);
    let x = Tokens { logits: &logits, v, stride, labels: &labels, rules, mask: mask.as_deref() };
    let planes = d.near(Some(token::PLANES.len() * n));
    let forward = all_or_nothing([planes], |[result]| tokens::token_rows(&op, &x, result));
    let up = Upstream::draw(&mut d, n);
    let width = d.near(n.checked_mul(v));
    let backward = all_or_nothing([width], |[d]| tokens::token_rows_backward(&op, &x, &up.lend(), d));
    forward && backward
}

/// Which rows count: all, mostly.
fn mask(d: &mut Draw<'_>, n: usize) -> Option<Vec<i32>> {
    d.rarely().then(|| (0..d.near(Some(n))).map(|_| d.any::<bool>().into()).collect())
}

/// The largest of rows, more of them than a row has now and then.
pub(super) fn top_rows(data: &[u8]) -> bool {
    let mut d = Draw::new(data);
    let (n, v, k) = (d.upto(6), d.size(8), if d.rarely() { d.any() } else { 1 + d.upto(9) as u32 });
    let entropy = if d.any() { TopEntropy::Truncated } else { TopEntropy::Renormalised };
    let (labels, op, rules) = (d.labels(n, v), TopK::of(k, entropy, token_op(&mut d)), d.rules(3));
    let held = d.near(n.checked_mul(v));
    let logits = d.numbers(held);
    let x = Tokens::new(&logits, v, &labels, rules);
    // The planes of a k beyond its range are as many as those of one.
    let k = if k <= 64 { op.ranks() } else { 1 };
    let planes = d.near(top::planes(k).checked_mul(n));
    let forward = all_or_nothing([planes], |[result]| largest::top_rows(&op, &x, result));
    let (held, ranks, width) = (d.near(Some(n)), d.near(k.checked_mul(n)), d.near(n.checked_mul(v)));
    let (row, logp) = (d.numbers(held), d.numbers(ranks));
    let up = TopUpstream::of([
        Some(&row),
        d.any::<bool>().then_some(&row),
        None,
        d.any::<bool>().then_some(&logp),
    ]);
    let backward = all_or_nothing([width], |[g]| largest::top_rows_backward(&op, &x, &up, g));
    forward && backward
}

/// Arrays element by element, as views of larger ones.
pub(super) fn token_map(data: &[u8]) -> bool {
    let mut d = Draw::new(data);
    let (rows, len) = (d.size(4), d.size(5));
    let plane = |d: &mut Draw<'_>| {
        let (row, col) = (d.size(6), d.size(3));
        let last = rows.saturating_sub(1).checked_mul(row).zip(len.saturating_sub(1).checked_mul(col));
        let held = d.near(last.and_then(|(a, b)| a.checked_add(b)?.checked_add(1)));
        (d.numbers(held), row, col)
    };
    let planes = [plane(&mut d), plane(&mut d), plane(&mut d)];
    let (numbers, mask_row, mask_col) = plane(&mut d);
    let mask: Vec<u32> = numbers.iter().map(|x| u32::from(*x > 0.0)).collect();
    let view = |k: usize| View { data: &planes[k].0[..], row: planes[k].1, col: planes[k].2 };
    let (inputs, constants) = ([view(0)], vec![view(1); d.upto(2)]);
    let x = MapInputs {
        mask: d.any::<bool>().then_some(View { data: &mask[..], row: mask_row, col: mask_col }),
        upstream: d.any::<bool>().then(|| view(2)),
        ..MapInputs::new((rows, len), &inputs, &constants)
    };
    let reduction = d.reduction();
    let elements = rows.checked_mul(len);
    let k3 = [d.near(elements.and_then(|n| n.checked_mul(K3::PLANES.count())))];
    let k3 = all_or_nothing(k3, |[result]| maps::token_map(&K3 {}, &x, reduction, result));
    let dft = [d.near(elements.and_then(|n| n.checked_mul(Dft::PLANES.count())))];
    let dft = all_or_nothing(dft, |[result]| maps::token_map(&Dft {}, &x, reduction, result));
    k3 || dft
}

/// Divergences of two rows of logits, and their gradients by either.
pub(super) fn logit_pairs(data: &[u8]) -> bool {
    let mut d = Draw::new(data);
    let (n, v) = (d.upto(6), d.size(6));
    let labels = d.labels(n, v);
    let stride = |d: &mut Draw<'_>| if d.rarely() { d.size(9) } else { v };
    let layout = PairLayout { v, stride: stride(&mut d), ref_stride: stride(&mut d), rules: d.rules(3) };
    let (held, ref_held) = (d.near(n.checked_mul(layout.stride)), d.near(n.checked_mul(layout.ref_stride)));
    let (logits, ref_logits) = (d.numbers(held), d.numbers(ref_held));
    let mask = mask(&mut d, n);
    let x = LogitPairs { mask: mask.as_deref(), ..LogitPairs::new([&logits, &ref_logits], &labels, layout) };
    let token = token_op(&mut d);
    let kl = divergence(&Kl::of(token), &x, &mut d);
    let js = divergence(&Js::of(d.parameter(0.5), token), &x, &mut d);
    let alpha = divergence(&AlphaDivergence::of(d.parameter(2.0), token), &x, &mut d);
    kl || js || alpha
}

fn divergence<O: PairRow>(op: &O, x: &LogitPairs<'_, f64>, d: &mut Draw<'_>) -> bool {
    let n = x.labels.len();
    let (held, planes, width) =
        (d.near(Some(n)), d.near(Some(two::PLANES * n)), d.near(n.checked_mul(x.layout.v)));
    let up = d.numbers(held);
    let up = [Some(&up[..]), None, Some(&up[..]), None];
    let forward = all_or_nothing([planes], |[result]| pairs_of::logit_pairs(op, x, result));
    let back = |by| all_or_nothing([width], |[g]| pairs_of::logit_pairs_backward(op, x, &up, by, g));
    back(By::Policy) & back(By::Reference) & forward
}

/// Shards of a vocabulary: states, the planes they make, the gradient of a shard.
pub(super) fn token_states(data: &[u8]) -> bool {
    let mut d = Draw::new(data);
    let (n, v, vocabulary) = (d.upto(6), d.size(6), d.size(12));
    let (labels, op, rules) = (d.labels(n, vocabulary), token_op(&mut d), d.rules(3));
    let held = d.near(n.checked_mul(v));
    let logits = d.numbers(held);
    let x = Tokens::new(&logits, v, &labels, rules);
    let shard = Shard { base: d.size(8), vocabulary };
    let size = d.near(Some(token::STATE.len() * n));
    let made = all_or_nothing([size], |[states]| states::token_states(&op, &x, shard, states));
    let (shards, size) = (d.upto(4), d.near(Some(token::PLANES.len() * n)));
    let held = d.near((token::STATE.len() * n).checked_mul(shards));
    let parts = d.numbers(held);
    let whole = (&labels[..], rules, vocabulary);
    let merged =
        all_or_nothing([size], |[result]| states::token_rows_finish(&op, &parts, shards, whole, result));
    let (held, width) = (d.near(Some(token::PLANES.len() * n)), d.near(n.checked_mul(v)));
    let (planes, up) = (d.numbers(held), Upstream::draw(&mut d, n));
    let back =
        all_or_nothing([width], |[g]| states::token_shard_backward(&op, &x, shard, &planes, &up.lend(), g));
    made || merged || back
}

/// Parameters, in their ranges or not.
pub(super) fn token_op(d: &mut Draw<'_>) -> Token {
    Token { temperature: d.parameter(1.0), logit_scale: d.parameter(1.0), softcap: d.parameter(0.0) }
}

/// Upstream gradients, each there or not.
pub(super) struct Upstream([Option<Vec<f64>>; token::UPSTREAM.len()]);

impl Upstream {
    pub(super) fn draw(d: &mut Draw<'_>, n: usize) -> Self {
        Self([(); token::UPSTREAM.len()].map(|()| {
            let held = d.near(Some(n));
            d.any::<bool>().then(|| d.numbers(held))
        }))
    }

    pub(super) fn lend(&self) -> TokenUpstream<'_, f64> {
        TokenUpstream::of(self.0.each_ref().map(Option::as_deref))
    }
}

pub(super) fn fused_linear(data: &[u8]) -> bool {
    let mut d = Draw::new(data);
    let (n, h, v) = (d.upto(6), d.size(4), d.size(6));
    let labels = d.labels(n, v);
    let (held, columns, rules) = (d.near(n.checked_mul(h)), d.near(v.checked_mul(h)), d.rules(3));
    let (hidden, weight) = (d.numbers(held), d.numbers(columns));
    let held = d.near(Some(v));
    let bias = d.any::<bool>().then(|| d.numbers(held));
    let x = Hidden { hidden: &hidden, weight: &weight, bias: bias.as_deref(), h, v, labels: &labels, rules };
    let op = Linear { token: token_op(&mut d) };
    let mut work = vec![0.0; d.near((n + 1).checked_mul(v))];
    let planes = d.near(Some(token::PLANES.len() * n));
    let forward = all_or_nothing([planes], |[result]| fused::fused_linear(&op, &x, &mut work, result));
    let up = Upstream::draw(&mut d, n);
    let sizes = [d.near(n.checked_mul(h)), d.near(v.checked_mul(h)), d.near(Some(v))];
    let backward = all_or_nothing(sizes, |[d_hidden, d_weight, d_bias]| {
        let out = HiddenGradients { d_hidden, d_weight, d_bias: Some(d_bias) };
        fused::fused_linear_backward(&op, &x, &up.lend(), &mut work, out)
    });
    let both = distillation(&mut d, x, op.token);
    (forward && backward) || both
}

pub(super) fn segment_stats(data: &[u8]) -> bool {
    let mut d = Draw::new(data);
    let (count, len, packed) = (d.size(6), d.size(6), d.any());
    let offsets = offsets(&mut d, count.min(6));
    let segments =
        if packed { Segments::Packed { offsets: &offsets } } else { Segments::Padded { count, len } };
    let elements = match packed {
        true => offsets.last().map(|&last| last as usize),
        false => count.checked_mul(len),
    };
    let (held, marked, labelled) = (d.near(elements), d.near(elements), d.near(elements));
    let values = d.numbers(held);
    let mask: Vec<u32> = (0..marked).map(|_| d.any::<u8>().into()).map(|word: u32| word & 3).collect();
    let labels = d.labels(labelled, 6);
    let keep = match d.upto(2) {
        0 => Keep::All,
        1 => Keep::Masked { mask: &mask },
        _ => Keep::Labelled { labels: &labels, rules: d.rules(len) },
    };
    let x = Values { values: &values, segments, keep };
    let sum = segment_op(&SequenceSum {}, &x, &mut d);
    segment_op(&SequenceMean {}, &x, &mut d) && sum
}

/// Offsets of segments; now and then they fall, end elsewhere or are too few.
fn offsets(d: &mut Draw<'_>, count: usize) -> Vec<u32> {
    let mut offsets = vec![0];
    for _ in 0..count {
        offsets.push(offsets[offsets.len() - 1] + d.upto(9) as u32);
    }
    if d.rarely() {
        let at = d.upto(count);
        offsets[at] = d.any();
    }
    offsets.truncate(d.near(Some(offsets.len())));
    offsets
}

fn segment_op<O: SegmentOp>(op: &O, x: &Values<'_, f64>, d: &mut Draw<'_>) -> bool {
    let (reduction, count) = (d.reduction(), x.segments.count());
    let planes = d.near(count.checked_mul(segment::PLANES.len()));
    let forward = all_or_nothing([planes], |[result]| stats::segment_stats(op, x, reduction, result));
    let (held, elements) = (d.near(Some(count)), d.near(Some(x.values.len())));
    let up = d.numbers(held);
    let backward =
        all_or_nothing([elements], |[out]| stats::segment_stats_backward(op, x, reduction, &up, out));
    forward && backward
}

pub(super) fn pair_rows(data: &[u8]) -> bool {
    let mut d = Draw::new(data);
    let n = d.size(6);
    let planes: [_; 6] = std::array::from_fn(|i| {
        let stride = if d.rarely() { d.size(3) } else { 1 };
        let held = d.near(n.checked_mul(stride));
        let length = |x: f64| if i < 4 { x } else { x.abs().floor() + 1.0 };
        (d.numbers(held).into_iter().map(length).collect::<Vec<_>>(), stride)
    });
    let [chosen, rejected, ref_chosen, ref_rejected, long, short] =
        planes.each_ref().map(|(data, stride)| Plane { data: &data[..], stride: *stride });
    let lengths = d.any::<bool>().then_some((long, short));
    let mut own = || d.rarely().then_some(if d.any() { chosen } else { long });
    let [weight, margin, preference] = [own(), own(), own()];
    let extras = Extras { weight, margin, preference };
    let x = PairInputs { n, chosen, rejected, ref_chosen, ref_rejected, lengths, extras };
    let (size, reduction) = (d.near(n.checked_mul(pair::PLANES.len())), d.reduction());
    match d.upto(5) {
        0 => pair_link(Square {}, &x, &mut d, (size, reduction)),
        1 => pair_link(Nca {}, &x, &mut d, (size, reduction)),
        2 => pair_link(Sppo {}, &x, &mut d, (size, reduction)),
        3 => pair_link(OddsRatio {}, &x, &mut d, (size, reduction)),
        4 => {
            let link = Exo { epsilon: d.parameter(0.1) };
            pair_link(link, &x, &mut d, (size, reduction))
        }
        _ => pair_link(Logistic {}, &x, &mut d, (size, reduction)),
    }
}

fn pair_link<L: PairLink>(
    link: L,
    x: &PairInputs<'_, f64>,
    d: &mut Draw<'_>,
    (size, reduction): (usize, Reduction),
) -> bool {
    let loss = loss(link, d);
    all_or_nothing([size], |[result]| pairs::pair_rows(&loss, x, reduction, result))
}

/// A loss with any score map and parameters.
pub(super) fn loss<L: PairLink>(link: L, d: &mut Draw<'_>) -> PairLoss<L> {
    let score = match d.upto(4) {
        0 => Score::ReverseKl,
        1 => Score::ForwardKl,
        2 => Score::JsDivergence,
        3 => Score::ClippedRatio { epsilon: d.parameter(0.1) },
        _ => Score::AlphaDivergence { coef: d.parameter(0.5), cap: d.parameter(80.0) },
    };
    let noise = match d.upto(5) {
        0 => Noise::Conservative { label_smoothing: d.parameter(0.1) },
        1 => Noise::Corrected { label_smoothing: d.parameter(0.1) },
        _ => Noise::None,
    };
    let sft = match d.upto(5) {
        0 => Sft::Sum(d.parameter(1.0)),
        1 => Sft::TokenMean(d.parameter(1.0)),
        _ => Sft::None,
    };
    PairLoss {
        beta: d.parameter(0.1),
        score,
        length: [Length::Sum, Length::TokenMean, Length::MeanLogp][d.upto(2)],
        reference_free: d.rarely(),
        reward: if d.rarely() { Reward::Score } else { Reward::LogRatio },
        margin: if d.rarely() { d.parameter(0.5) } else { 0.0 },
        noise,
        sft,
        optimism: if d.rarely() { d.parameter(0.1) } else { 0.0 },
        link,
    }
}
