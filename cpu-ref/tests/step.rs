//! Whole steps: slices carved from a workspace, references of both kinds, and what a refused step leaves.

mod common;

use bellwether_core::Error;
use bellwether_core::logprob::{Linear, Token};
use bellwether_core::pair::presets::DPO;
use bellwether_core::sig::segment_stats::PLANES;
use bellwether_core::sig::token_rows::Labels;
use bellwether_core::sig::{Reduction, pair_rows as pair, token_rows as token};
use bellwether_cpu_ref::fused_linear::{Hidden, HiddenGradients};
use bellwether_cpu_ref::pair_rows::Extras;
use bellwether_cpu_ref::step::{Batch, Reference, StepOut, step_from_hidden, step_from_logits};
use common::{Tested, bits, labels, numbers};

const NAN: f64 = f64::NAN;
const V: usize = 4;

fn batch<'a>(labels: &'a [i32], pairs: usize, len: usize, reference: Reference<'a, f64>) -> Batch<'a, f64> {
    let (rules, reduction) = (Labels::next(len), Reduction::Mean { over: 2 });
    Batch { labels, rules, pairs, len, reference, reduction, extras: Extras::default() }
}

#[test]
fn carved_slices_do_not_overlap_and_end_where_the_count_says() -> Tested {
    for (pairs, len) in [(0, 0), (0, 3), (3, 0), (1, 1), (2, 3), (3, 5)] {
        let elements = StepOut::<u32>::elements(pairs, len);
        let mut workspace = vec![0_u32; elements + 3];
        let out = StepOut::carve(&mut workspace, pairs, len)?;
        let sizes = [out.tokens, out.sequences, out.ref_sequences, out.pairs, out.summary, out.d_tokens].map(
            |slice| {
                slice.iter_mut().for_each(|x| *x += 1);
                slice.len()
            },
        );
        let (n, rows) = (2 * pairs * len, 2 * pairs);
        let of_rows = PLANES.len() * rows;
        assert_eq!(
            sizes,
            [token::PLANES.len() * n, of_rows, of_rows, pair::PLANES.len() * pairs, pair::LOGGED, n]
        );
        assert!(
            workspace[..elements].iter().all(|x| *x == 1) && workspace[elements..].iter().all(|x| *x == 0)
        );
        assert!(StepOut::carve(&mut workspace[..elements - 1], pairs, len).is_err());
    }
    assert!(StepOut::<f64>::carve(&mut [], usize::MAX, 2).is_err());
    Ok(())
}

#[test]
fn a_reference_per_sequence_is_the_sum_of_one_per_token() -> Tested {
    let (pairs, len) = (2, 3);
    let n = 2 * pairs * len;
    let (labels, logits, per_token) = (labels(n, V), numbers(n * V, 1), numbers(n, 2));
    let run = |reference| -> Result<[Vec<u64>; 3], Error> {
        let mut workspace = vec![NAN; StepOut::<f64>::elements(pairs, len)];
        let (mut out, mut d_logits) = (StepOut::carve(&mut workspace, pairs, len)?, vec![NAN; n * V]);
        let batch = batch(&labels, pairs, len, reference);
        step_from_logits(&DPO, &Token::default(), &batch, (&logits, V), &mut out, &mut d_logits)?;
        Ok([bits(&out.ref_sequences[..2 * pairs]), bits(out.summary), bits(&d_logits)])
    };
    let summed = run(Reference::Token(&per_token))?;
    let per_sequence: Vec<f64> = summed[0].iter().map(|&x| f64::from_bits(x)).collect();
    assert_eq!(summed, run(Reference::Sequence(&per_sequence))?);
    let first = (0..len).filter(|&i| Labels::next(len).of(&labels, i).is_some()).map(|i| per_token[i]);
    assert_eq!(bits(&per_sequence[..1]), bits(&[first.sum()]), "these numbers are exact in any order");
    Ok(())
}

#[test]
fn a_step_from_hidden_states_is_the_step_from_their_logits() -> Tested {
    let (pairs, len, h) = (1, 5, 2);
    let n = 2 * pairs * len;
    let (labels, hidden, weight, reference) =
        (labels(n, V), numbers(n * h, 3), numbers(V * h, 4), numbers(n, 5));
    let dot = |i: usize| -> f64 { (0..h).map(|k| hidden[i / V * h + k] * weight[i % V * h + k]).sum() };
    let logits: Vec<f64> = (0..n * V).map(dot).collect();
    let batch = batch(&labels, pairs, len, Reference::Token(&reference));
    let mut spaces = [(); 2].map(|()| vec![NAN; StepOut::<f64>::elements(pairs, len)]);
    let [from_logits, from_hidden] = &mut spaces;
    let mut d_logits = vec![NAN; n * V];
    let mut out = StepOut::carve(from_logits, pairs, len)?;
    step_from_logits(&DPO, &Token::default(), &batch, (&logits, V), &mut out, &mut d_logits)?;
    let (mut d_hidden, mut d_weight, mut scratch) =
        (vec![NAN; n * h], vec![NAN; V * h], vec![NAN; (n + 1) * V]);
    let x =
        Hidden { hidden: &hidden, weight: &weight, bias: None, h, v: V, labels: &labels, rules: batch.rules };
    let work = (
        &mut scratch[..],
        HiddenGradients { d_hidden: &mut d_hidden, d_weight: &mut d_weight, d_bias: None },
    );
    let mut out = StepOut::carve(from_hidden, pairs, len)?;
    step_from_hidden(&DPO, &Linear::default(), &batch, &x, &mut out, work)?;
    assert_eq!(bits(&spaces[0]), bits(&spaces[1]));
    let column = |k: usize| -> f64 { (0..n).map(|i| d_logits[i * V] * hidden[i * h + k]).sum() };
    assert!((0..h).all(|k| (d_weight[k] - column(k)).abs() < 1e-12));
    assert!(d_hidden.iter().all(|x| x.is_finite()));
    Ok(())
}

#[test]
fn a_step_that_cannot_be_done_says_so_before_it_begins() {
    let (pairs, len) = (1, 2);
    let (labels, logits, reference) = (labels(4, V), numbers(4 * V, 6), numbers(4, 7));
    let fine = batch(&labels, pairs, len, Reference::Token(&reference));
    let other_rules = Batch { rules: Labels::next(3), ..fine };
    let no_mean = Batch { reduction: Reduction::Mean { over: 0 }, ..fine };
    let short = Batch { reference: Reference::Sequence(&reference[..1]), ..fine };
    let endless = Batch { pairs: usize::MAX / 2 + 2, ..fine };
    for (batch, width) in
        [(fine, 3), (other_rules, 4 * V), (no_mean, 4 * V), (short, 4 * V), (endless, 4 * V)]
    {
        let mut workspace = vec![NAN; StepOut::<f64>::elements(pairs, len)];
        let mut out = StepOut::carve(&mut workspace, pairs, len).expect("room");
        let mut d_logits = vec![NAN; width];
        let done = step_from_logits(&DPO, &Token::default(), &batch, (&logits, V), &mut out, &mut d_logits);
        assert!(done.is_err() && workspace.iter().chain(&d_logits).all(|x| x.is_nan()), "{done:?}");
    }
}
