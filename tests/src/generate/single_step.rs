//! Cases of whole steps of losses on single responses.

use bellwether_core::logprob::Nll;
use bellwether_core::sig::Reduction;
use bellwether_core::sig::token_rows::Labels;
use bellwether_core::unpaired::{A2po, ApoZero, Bco, DirectAdvantage, Dro, Kto, NashMd};
use bellwether_cpu_ref::token_map::MapRow;

use super::{Case, Draw};
use crate::problem::{Head, RefLogps, SingleStep};

/// Responses, tokens, vocabulary, width of a hidden state; the last two 0 where they are not needed.
type Sizes = (usize, usize, usize, usize);

/// A batch with prompts and padding; rows that score nothing are NaN, the reference's too.
fn batch<O: MapRow>(name: &str, op: O, (responses, len, v, h): Sizes) -> SingleStep<O> {
    let (mut draw, n) = (Draw::of(name), responses * len);
    let rules = Labels { seq_len: len, ..Labels::default() };
    let mut labels = draw.labels(n, v.max(1), 0.0);
    for row in labels.chunks_exact_mut(len) {
        let (prompt, kept) = (draw.below(len / 2 + 1), 1 + draw.below(len));
        let outside = |t: usize| t < prompt && t > 0 || t >= prompt + kept;
        row.iter_mut().enumerate().filter(|(t, _)| outside(*t)).for_each(|(_, label)| *label = -100);
    }
    let width = if h == 0 { v.max(1) } else { h };
    let mut x = draw.normals(n * width, 1.0);
    let mut ref_logps: Vec<f64> = (0..n).map(|_| draw.uniform(-6.0, -1.0)).collect();
    if v == 0 {
        x.iter_mut().for_each(|x| *x = -(3.0 * *x).abs() - 0.01);
    }
    for i in (0..n).filter(|&i| rules.of(&labels, i).is_none()) {
        x[i * width..][..width].fill(f64::NAN);
        ref_logps[i] = f64::NAN;
    }
    let head = match h {
        0 if v == 0 => Head::Logps(x),
        0 => Head::Logits(x),
        _ => Head::Hidden {
            hidden: x,
            weight: draw.normals(v * h, 1.0 / (h as f64).sqrt()),
            bias: Some(draw.normals(v, 1.0)),
            h,
        },
    };
    let mut plane = |name: &str| -> Vec<f64> {
        let of = |draw: &mut Draw| match name {
            "desirable" => f64::from(u8::from(draw.unit() < 0.5)),
            "probability" => draw.unit(),
            _ => draw.normal(1.0),
        };
        let count = if matches!(name, "kl" | "delta") { 1 } else { responses };
        (0..count).map(|_| of(&mut draw)).collect()
    };
    let planes = O::PLANES;
    let inputs = planes.inputs[1..].iter().map(|name| plane(name)).collect();
    let own = planes.constants.iter().filter(|name| **name != "ref_logp");
    let constants = own.map(|name| plane(name)).collect();
    let reads = planes.constants.contains(&"ref_logp");
    let reduction = Reduction::Mean { over: responses.max(1) as u32 };
    SingleStep {
        op,
        head,
        v,
        responses,
        len,
        labels,
        rules,
        reference: reads.then_some(RefLogps::Token(ref_logps)),
        inputs,
        constants,
        reduction,
        weight: 1.0,
    }
}

/// One of each way into a step.
fn of<O: MapRow + Copy + 'static>(op: O) -> [Case; 3] {
    let case = |what: &str, sizes: Sizes| {
        let name = format!("{} from {what}", O::SPEC.slug);
        Case::new(&*name, batch(&name, op, sizes))
    };
    [
        case("log-probabilities", (9, 17, 0, 0)),
        case("logits", (5, 12, 33, 0)),
        case("hidden states", (4, 7, 40, 8)),
    ]
}

/// The cases.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(of(Kto { desirable_weight: 1.3, undesirable_weight: 0.7, ..Kto::default() }));
    cases.extend(of(ApoZero::default()));
    cases.extend(of(Bco::default()));
    cases.extend(of(Dro::default()));
    cases.extend(of(A2po::default()));
    cases.extend(of(NashMd::default()));
    cases.extend(of(DirectAdvantage::default()));
    cases.extend(of(Nll {}));
    for (responses, len, v) in [(1, 1, 2), (1, 9, 40), (3, 64, 130), (70, 3, 5)] {
        let name = format!("KTO, {responses} responses of {len} tokens, v = {v}");
        cases.push(Case::new(&*name, batch(&name, Kto::default(), (responses, len, v, 0))));
    }
    let mut summed = batch("a reference per response", Bco::default(), (6, 5, 12, 0));
    summed.reference = Some(RefLogps::Sequence(Draw::of("sums").normals(6, 4.0)));
    cases.push(Case::new("a reference per response", summed));
    let mut part = batch("a weighted eighth", Nll {}, (3, 12, 20, 0));
    (part.reduction, part.weight) = (Reduction::Mean { over: 24 }, -0.75);
    cases.push(Case::new("a weighted eighth of a batch", part));
    let mut silent = batch("a response without tokens", Kto::default(), (4, 6, 9, 0));
    silent.labels[6..12].fill(-100);
    if let Head::Logits(x) = &mut silent.head {
        x[6 * 9..12 * 9].fill(f64::NAN);
    }
    cases.push(Case::new("a response without tokens", silent));
    cases
}
