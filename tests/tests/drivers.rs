//! Every driver of the reference with arbitrary slices: a result or a typed error, never a panic, and on an error the
//! outputs are as they were.

use bellwether_core::Error;
use bellwether_core::logprob::{Dft, K3, Linear, SequenceMean, SequenceSum, Token};
use bellwether_core::pair::{Length, Logistic, PairLoss, Score};
use bellwether_core::sig::segment_stats::{Keep, Segments};
use bellwether_core::sig::token_rows::{Labels, Shift};
use bellwether_core::sig::{Reduction, pair_rows as pair, segment_stats as segment, token_rows as token};
use bellwether_cpu_ref::fused_linear::{Hidden, HiddenGradients, fused_linear, fused_linear_backward};
use bellwether_cpu_ref::pair_rows::{PairInputs, Plane, pair_rows};
use bellwether_cpu_ref::segment_stats::{SegmentOp, Values, segment_stats, segment_stats_backward};
use bellwether_cpu_ref::token_map::{MapInputs, MapOp, View, token_map};
use bellwether_cpu_ref::token_rows::{TokenUpstream, Tokens, token_rows, token_rows_backward};
use proptest::prelude::*;

/// What an output holds before a driver runs.
const BEFORE: f64 = 12345.0;

/// Runs a driver on an output: an error must leave it untouched.
fn untouched<const N: usize>(
    sizes: [usize; N],
    run: impl FnOnce([&mut [f64]; N]) -> Result<(), Error>,
) -> bool {
    let mut outputs = sizes.map(|size| vec![BEFORE; size]);
    let failed = run(outputs.each_mut().map(Vec::as_mut_slice)).is_err();
    let whole = outputs.iter().flatten().all(|x| x.to_bits() == BEFORE.to_bits());
    !failed || whole
}

/// Mostly numbers, now and then something that must not enter.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        20 => -20.0..20.0,
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(f64::NEG_INFINITY),
        1 => Just(1e300),
    ]
}

fn numbers(most: usize) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(number(), 0..=most)
}

fn labels(most: usize) -> impl Strategy<Value = Vec<i32>> {
    prop::collection::vec(prop_oneof![5 => 0..6, 2 => Just(-100), 1 => any::<i32>()], 0..=most)
}

fn rules() -> impl Strategy<Value = Labels> {
    (any::<bool>(), 0..4_usize).prop_map(|(next, seq_len)| Labels {
        shift: if next { Shift::Next } else { Shift::Aligned },
        seq_len,
        ..Labels::default()
    })
}

/// A size that is right for a shape, or somewhat off.
fn about(right: usize, off: i32) -> usize {
    right.saturating_add_signed(off as isize)
}

fn off() -> impl Strategy<Value = i32> {
    prop_oneof![6 => Just(0), 1 => -2..3]
}

/// The slice at the size that a shape asks for, or somewhat off: so that drivers get past their first check.
fn fit<T: Copy + Default>(mut slice: Vec<T>, right: usize, off: i32) -> Vec<T> {
    slice.resize(about(right, off), T::default());
    slice
}

fn segments<O: SegmentOp>(op: &O, x: &Values<'_, f64>, up: &[f64], off: i32) -> bool {
    let planes = about(segment::PLANES.len() * x.segments.count(), off);
    untouched([planes], |[result]| segment_stats(op, x, Reduction::Mean { over: 3 }, result))
        && untouched([about(x.values.len(), off)], |[d]| segment_stats_backward(op, x, Reduction::Sum, up, d))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn token_rows_takes_anything(
        logits in numbers(40), labels in labels(8), rules in rules(), up in numbers(8),
        (v, gap, temperature) in (0..8_usize, 0..2_usize, prop_oneof![4 => Just(1.0), 1 => number()]),
        off in prop::array::uniform4(off()),
    ) {
        let op = Token { temperature };
        let (n, stride) = (labels.len(), v + gap);
        let (logits, up) = (fit(logits, n * stride, off[0]), fit(up, n, off[1]));
        let x = Tokens { logits: &logits, v, stride, labels: &labels, rules };
        let planes = about(token::PLANES.len() * n, off[2]);
        prop_assert!(untouched([planes], |[result]| token_rows(&op, &x, result)));
        let up = TokenUpstream { logp: Some(&up), lse: None, entropy: None };
        prop_assert!(untouched([about(n * v, off[3])], |[d]| token_rows_backward(&op, &x, &up, d)));
    }

    #[test]
    fn fused_linear_takes_anything(
        hidden in numbers(24), weight in numbers(24), labels in labels(6), rules in rules(),
        (h, v) in (0..4_usize, 0..6_usize), up in numbers(6), off in prop::array::uniform7(off()),
    ) {
        let (op, n) = (Linear::default(), labels.len());
        let (hidden, weight) = (fit(hidden, n * h, off[0]), fit(weight, v * h, off[1]));
        let up = fit(up, n, off[2]);
        let x = Hidden { hidden: &hidden, weight: &weight, h, v, labels: &labels, rules };
        let mut work = vec![0.0; about((n + 1) * v, off[3])];
        let planes = about(token::PLANES.len() * n, off[4]);
        prop_assert!(untouched([planes], |[result]| fused_linear(&op, &x, &mut work, result)));
        let up = TokenUpstream { logp: Some(&up), lse: None, entropy: None };
        let kept = untouched([about(n * h, off[5]), about(v * h, off[6])], |[d_hidden, d_weight]| {
            fused_linear_backward(&op, &x, &up, &mut work, HiddenGradients { d_hidden, d_weight })
        });
        prop_assert!(kept);
    }

    #[test]
    fn segment_stats_takes_anything(
        values in numbers(30), lengths in prop::collection::vec(0..9_u32, 0..6), fault in 0..9_usize,
        words in labels(30), mask in prop::collection::vec(0..2_u32, 0..30), rules in rules(), up in numbers(6),
        (packed, which, len) in (any::<bool>(), 0..3, 0..6_usize), off in prop::array::uniform4(off()),
    ) {
        let mut offsets = vec![0];
        lengths.iter().for_each(|length| offsets.push(offsets[offsets.len() - 1] + length));
        if let Some(offset) = offsets.get_mut(fault) {
            *offset = 7; // now and then falling
        }
        let count = lengths.len();
        let elements = if packed { offsets[count] as usize } else { count * len };
        let (values, up) = (fit(values, elements, off[0]), fit(up, count, off[1]));
        let (mask, words) = (fit(mask, elements, off[2]), fit(words, elements, off[2]));
        let segments_of = if packed { Segments::Packed { offsets: &offsets } } else { Segments::Padded { count, len } };
        let keep = match which {
            0 => Keep::All,
            1 => Keep::Masked { mask: &mask },
            _ => Keep::Labelled { labels: &words, rules },
        };
        let x = Values { values: &values, segments: segments_of, keep };
        let kept = [segments(&SequenceSum {}, &x, &up, off[3]), segments(&SequenceMean {}, &x, &up, off[3])];
        prop_assert_eq!(kept, [true, true]);
    }

    #[test]
    fn pair_rows_takes_anything(
        planes in prop::array::uniform6(numbers(8)), strides in prop::array::uniform6(0..3_usize),
        (n, with_lengths, mean) in (0..6_usize, any::<bool>(), any::<bool>()),
        (beta, label_smoothing, coef, cap) in (prop_oneof![Just(0.1), number()], number(), number(), number()),
        off in prop::array::uniform7(off()),
    ) {
        let planes: Vec<_> =
            planes.into_iter().enumerate().map(|(i, plane)| fit(plane, n * strides[i].max(1), off[i])).collect();
        let plane = |i: usize| Plane { data: &planes[i][..], stride: strides[i] };
        let x = PairInputs {
            n,
            chosen: plane(0),
            rejected: plane(1),
            ref_chosen: plane(2),
            ref_rejected: plane(3),
            lengths: with_lengths.then(|| (plane(4), plane(5))),
        };
        let loss = PairLoss {
            beta,
            score: Score::AlphaDivergence { coef, cap },
            length: if mean { Length::TokenMean } else { Length::Sum },
            reference_free: false,
            link: Logistic { label_smoothing },
        };
        let size = about(pair::PLANES.len() * n, off[6]);
        let kept = untouched([size], |[result]| pair_rows(&loss, &x, Reduction::Mean { over: 2 }, result));
        prop_assert!(kept);
        let plain = PairLoss { length: loss.length, ..PairLoss::new(0.1, Logistic::default()) };
        let kept = untouched([size], |[result]| pair_rows(&plain, &x, Reduction::Sum, result));
        prop_assert!(kept);
    }

    #[test]
    fn token_map_takes_anything(
        planes in prop::array::uniform3(numbers(30)), mask in prop::collection::vec(0..2_u32, 0..30),
        (rows, len) in (0..4_usize, 0..5_usize), steps in prop::array::uniform4((0..6_usize, 0..3_usize)),
        (masked, weighted, many, mean) in (any::<bool>(), any::<bool>(), 0..3_usize, any::<bool>()),
        off in prop::array::uniform5(off()),
    ) {
        let right = |k: usize| rows.saturating_sub(1) * steps[k].0 + len.saturating_sub(1) * steps[k].1 + 1;
        let planes: Vec<_> =
            planes.into_iter().enumerate().map(|(k, plane)| fit(plane, right(k), off[k])).collect();
        let mask = fit(mask, right(3), off[3]);
        let view = |k: usize| View { data: &planes[k][..], row: steps[k].0, col: steps[k].1 };
        let (inputs, constants) = ([view(0)], vec![view(1); many]);
        let x = MapInputs {
            mask: masked.then_some(View { data: &mask[..], row: steps[3].0, col: steps[3].1 }),
            upstream: weighted.then(|| view(2)),
            ..MapInputs::new((rows, len), &inputs, &constants)
        };
        let size = |count: usize| about(count * rows * len, off[4]);
        let reduction = if mean { Reduction::Mean { over: 3 } } else { Reduction::Sum };
        let run = |[result]: [&mut [f64]; 1]| token_map(&K3 {}, &x, reduction, result);
        prop_assert!(untouched([size(K3::PLANES.count())], run));
        let run = |[result]: [&mut [f64]; 1]| token_map(&Dft {}, &x, reduction, result);
        prop_assert!(untouched([size(Dft::PLANES.count())], run));
        let huge = MapInputs { rows: usize::MAX, len: usize::MAX, ..x };
        let refused = token_map(&K3 {}, &huge, reduction, &mut []).is_err();
        prop_assert!(refused);
    }
}
