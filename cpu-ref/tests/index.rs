//! The index code of every driver on small, awkward shapes: gaps hold NaN, so whoever reads one is caught, and under
//! Miri (`cargo xtask miri`) so is every access out of place.

mod common;

use bellwether_core::logprob::{Linear, SequenceMean, SequenceSum, Token};
use bellwether_core::pair::presets::{DPO, IPO_TOKEN_MEAN};
use bellwether_core::sig::segment_stats::{COUNT, Keep, Segments, VALUE};
use bellwether_core::sig::token_rows::Labels;
use bellwether_core::sig::{Reduction, pair_rows as pair, segment_stats as segment, token_rows as token};
use bellwether_core::status;
use bellwether_cpu_ref::fused_linear::{Hidden, HiddenGradients, fused_linear, fused_linear_backward};
use bellwether_cpu_ref::pair_rows::{Extras, PairInputs, Plane, pair_rows};
use bellwether_cpu_ref::segment_stats::{Values, segment_stats, segment_stats_backward};
use bellwether_cpu_ref::token_rows::{TokenUpstream, Tokens, token_rows, token_rows_backward};
use common::{Tested, bits, labels, numbers};

const NAN: f64 = f64::NAN;

/// Planes and gradient of token rows.
fn tokens(x: &Tokens<'_, f64>, up: &[f64]) -> Result<[Vec<u64>; 2], bellwether_core::Error> {
    let (op, n) = (Token::at(0.75), x.labels.len());
    let (mut planes, mut d_logits) = (vec![NAN; token::PLANES.len() * n], vec![NAN; n * x.v]);
    token_rows(&op, x, &mut planes)?;
    let up = TokenUpstream { logp: Some(up), entropy: Some(up), ..TokenUpstream::default() };
    token_rows_backward(&op, x, &up, &mut d_logits)?;
    Ok([bits(&planes), bits(&d_logits)])
}

#[test]
fn gaps_between_rows_of_logits_are_not_read() -> Tested {
    // Two sequences of three rows and a third that breaks off.
    let (n, v, stride) = (8, 5, 7);
    let (labels, up) = (labels(n, v), numbers(n, 1));
    for rules in [Labels::default(), Labels::next(3), Labels::next(1)] {
        let (mut packed, mut gaps) = (numbers(n * v, 2), vec![NAN; (n - 1) * stride + v]);
        for i in 0..n {
            let row = &mut packed[i * v..][..v];
            if rules.of(&labels, i).is_none() {
                row.fill(NAN);
            }
            gaps[i * stride..][..v].copy_from_slice(row);
        }
        let with_gaps = Tokens { logits: &gaps, v, stride, labels: &labels, rules, mask: None };
        let without = Tokens::new(&packed, v, &labels, rules);
        assert_eq!(tokens(&with_gaps, &up)?, tokens(&without, &up)?);
    }
    Ok(())
}

#[test]
fn rows_from_hidden_states_are_those_of_their_logits() -> Tested {
    let (n, h, v) = (5, 3, 4);
    let (hidden, weight, labels, up) = (numbers(n * h, 3), numbers(v * h, 4), labels(n, v), numbers(n, 5));
    let at = |i: usize, j: usize| -> f64 { (0..h).map(|k| hidden[i * h + k] * weight[j * h + k]).sum() };
    let logits: Vec<f64> = (0..n * v).map(|at_| at(at_ / v, at_ % v)).collect();
    let rules = Labels::next(2);
    let x = Hidden { hidden: &hidden, weight: &weight, bias: None, h, v, labels: &labels, rules };
    let (mut planes, mut want) = (vec![NAN; token::PLANES.len() * n], vec![NAN; token::PLANES.len() * n]);
    // More scratch than is needed: what is behind stays.
    let mut scratch = vec![NAN; (n + 1) * v + 2];
    fused_linear(&Linear::default(), &x, &mut scratch, &mut planes)?;
    token_rows(&Token::default(), &Tokens::new(&logits, v, &labels, rules), &mut want)?;
    assert_eq!(bits(&planes), bits(&want), "these numbers are exact in any order");
    let up = TokenUpstream { logp: Some(&up), lse: Some(&up), ..TokenUpstream::default() };
    let mut g = vec![NAN; n * v];
    token_rows_backward(&Token::default(), &Tokens::new(&logits, v, &labels, rules), &up, &mut g)?;
    let (mut d_hidden, mut d_weight) = (vec![NAN; n * h], vec![NAN; v * h]);
    let out = HiddenGradients { d_hidden: &mut d_hidden, d_weight: &mut d_weight, d_bias: None };
    fused_linear_backward(&Linear::default(), &x, &up, &mut scratch, out)?;
    assert!(scratch[(n + 1) * v..].iter().all(|x| x.is_nan()));
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} is not {b}");
    for (at, &got) in d_hidden.iter().enumerate() {
        near(got, (0..v).map(|j| g[at / h * v + j] * weight[j * h + at % h]).sum());
    }
    for (at, &got) in d_weight.iter().enumerate() {
        near(got, (0..n).map(|i| g[i * v + at / h] * hidden[i * h + at % h]).sum());
    }
    Ok(())
}

/// Sums, means and their gradients of segments of which `kept` says what they keep.
fn segments(segments: Segments<'_>, keep: Keep<'_>, ranges: &[(usize, usize)], kept: &[bool]) -> Tested {
    // What is not kept is not read.
    let mut values = numbers(kept.len(), 6);
    values.iter_mut().zip(kept).filter(|(_, kept)| !**kept).for_each(|(x, _)| *x = NAN);
    let (x, count) = (Values { values: &values, segments, keep }, ranges.len());
    let up = numbers(count, 7);
    let (mut sums, mut means) =
        (vec![NAN; segment::PLANES.len() * count], vec![NAN; segment::PLANES.len() * count]);
    let (mut d_sums, mut d_means) = (vec![NAN; kept.len()], vec![NAN; kept.len()]);
    segment_stats(&SequenceSum {}, &x, Reduction::Sum, &mut sums)?;
    segment_stats(&SequenceMean {}, &x, Reduction::Sum, &mut means)?;
    segment_stats_backward(&SequenceSum {}, &x, Reduction::Sum, &up, &mut d_sums)?;
    segment_stats_backward(&SequenceMean {}, &x, Reduction::Sum, &up, &mut d_means)?;
    let mut left: Vec<bool> = vec![true; kept.len()];
    for (s, &(from, to)) in ranges.iter().enumerate() {
        let mine: Vec<usize> = (from..to).filter(|&i| kept[i]).collect();
        let (sum, n) = (mine.iter().fold(0.0, |sum, &i| sum + values[i]), mine.len() as f64);
        let (mean, flag) = if mine.is_empty() { (0.0, status::EMPTY_SEGMENT) } else { (sum / n, 0) };
        let row =
            |planes: &[f64]| [planes[VALUE * count + s], planes[COUNT * count + s], planes[2 * count + s]];
        assert_eq!(bits(&row(&sums)), bits(&[sum, n, f64::from(flag)]), "segment {s}");
        assert_eq!(bits(&row(&means)), bits(&[mean, n, f64::from(flag)]), "segment {s}");
        for i in mine {
            left[i] = false;
            assert_eq!(bits(&[d_sums[i]]), bits(&[up[s]]), "element {i}");
            assert!((d_means[i] - up[s] / n).abs() < 1e-15, "element {i}");
        }
    }
    let zero = |d: &[f64]| left.iter().zip(d).all(|(left, x)| !left || x.to_bits() == 0);
    assert!(zero(&d_sums) && zero(&d_means), "what is not kept has gradient 0");
    Ok(())
}

#[test]
fn segments_of_every_length() -> Tested {
    // Empty at the beginning, in the middle and at the end; odd lengths between.
    let offsets = [0, 0, 3, 3, 4, 9, 9];
    let ranges = [(0, 0), (0, 3), (3, 3), (3, 4), (4, 9), (9, 9)];
    let packed = Segments::Packed { offsets: &offsets };
    segments(packed, Keep::All, &ranges, &[true; 9])?;
    segments(Segments::Packed { offsets: &[] }, Keep::All, &[], &[])?;
    segments(Segments::Packed { offsets: &[0] }, Keep::All, &[], &[])?;
    for (count, len) in [(3, 3), (9, 1), (1, 9), (4, 0), (0, 4)] {
        let ranges: Vec<_> = (0..count).map(|s| (s * len, (s + 1) * len)).collect();
        segments(Segments::Padded { count, len }, Keep::All, &ranges, &vec![true; count * len])?;
    }
    Ok(())
}

#[test]
fn masks_and_labels_say_what_is_kept() -> Tested {
    let offsets = [0, 0, 3, 3, 4, 9, 9];
    let ranges = [(0, 0), (0, 3), (3, 3), (3, 4), (4, 9), (9, 9)];
    let packed = Segments::Packed { offsets: &offsets };
    let mask = [1, 0, u32::MAX, 0, 0, 2, 1, 0, 1 << 31];
    segments(packed, Keep::Masked { mask: &mask }, &ranges, &mask.map(|word| word != 0))?;
    let labels: [i32; 9] = std::array::from_fn(|i| if i % 3 == 1 { -100 } else { 1 });
    let aligned = Keep::Labelled { labels: &labels, rules: Labels::default() };
    segments(packed, aligned, &ranges, &labels.map(|label| label != -100))?;
    // The last element of a segment has no next one, whatever follows it in memory.
    let next = Keep::Labelled { labels: &labels, rules: Labels::next(9) };
    let ends = [2, 3, 8];
    let kept = std::array::from_fn::<_, 9, _>(|i| !ends.contains(&i) && labels[i + 1] != -100);
    segments(packed, next, &ranges, &kept)
}

#[test]
fn planes_of_pairs_with_any_stride() -> Tested {
    let n = 3;
    let packed: [Vec<f64>; 4] = std::array::from_fn(|i| numbers(n, 8 + i));
    let lengths: [Vec<f64>; 2] = [vec![2.0; n], vec![1.0, 3.0, 5.0]];
    let plain = PairInputs::new(&packed[0], &packed[1], &packed[2], &packed[3]);
    let plain = plain.with_lengths(&lengths[0], &lengths[1]);
    // Chosen and rejected as columns of [n, 2] with nothing behind the last one; references three apart; one length.
    let columns: Vec<f64> = (0..2 * n).map(|i| packed[i % 2][i / 2]).collect();
    let apart: [Vec<f64>; 2] = std::array::from_fn(|side| {
        (0..3 * n - 2).map(|i| if i % 3 == 0 { packed[2 + side][i / 3] } else { NAN }).collect()
    });
    let strided = PairInputs {
        n,
        chosen: Plane { data: &columns, stride: 2 },
        rejected: Plane { data: &columns[1..], stride: 2 },
        ref_chosen: Plane { data: &apart[0], stride: 3 },
        ref_rejected: Plane { data: &apart[1], stride: 3 },
        lengths: Some((Plane { data: &[2.0], stride: 0 }, Plane::from(&lengths[1][..]))),
        extras: Extras::default(),
    };
    for x in [plain, strided] {
        let (mut sums, mut means) = (vec![NAN; pair::PLANES.len() * n], vec![NAN; pair::PLANES.len() * n]);
        pair_rows(&DPO, &x, Reduction::Mean { over: 3 }, &mut sums)?;
        pair_rows(&IPO_TOKEN_MEAN, &x, Reduction::Sum, &mut means)?;
        for i in 0..n {
            let one = |at: usize| std::slice::from_ref(&packed[at][i]);
            let row = PairInputs::new(one(0), one(1), one(2), one(3))
                .with_lengths(&lengths[0][i..=i], &lengths[1][i..=i]);
            let (mut sum, mut mean) = ([NAN; pair::PLANES.len()], [NAN; pair::PLANES.len()]);
            pair_rows(&DPO, &row, Reduction::Mean { over: 3 }, &mut sum)?;
            pair_rows(&IPO_TOKEN_MEAN, &row, Reduction::Sum, &mut mean)?;
            let of = |planes: &[f64]| -> Vec<f64> { planes.iter().skip(i).step_by(n).copied().collect() };
            assert_eq!((bits(&of(&sums)), bits(&of(&means))), (bits(&sum), bits(&mean)), "pair {i}");
        }
    }
    Ok(())
}
