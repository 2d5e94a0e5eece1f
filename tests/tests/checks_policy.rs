//! Checks of the papers on policy-gradient losses: limits, identities and numbers by hand, on the reference in f64.

use bellwether_core::Error;
use bellwether_core::policy::{Aggregate, Cispo, Clip, Gmpo, Level, PolicyLoss, Sapo, Vespo, presets};
use bellwether_core::sig::Reduction;
use bellwether_cpu_ref::policy_masks::{high_entropy_mask, off_policy_weight};
use bellwether_cpu_ref::policy_rows::{PolicyInputs, SurrogateRow, policy_rows};
use bellwether_cpu_ref::token_map::View;

const ROWS: usize = 4;
const LEN: usize = 6;
/// Tokens of each row.
const LENGTHS: [usize; ROWS] = [6, 2, 5, 3];

/// A batch: log-probabilities of three policies, an advantage per sequence, a mask.
struct Batch {
    logp: Vec<f64>,
    old: Vec<f64>,
    reference: Vec<f64>,
    advantage: Vec<f64>,
    mask: Vec<u32>,
}

impl Batch {
    /// Ratios of this size around 1. Padding is NaN.
    fn new(spread: f64) -> Self {
        let wave = |i: usize, phase: f64| (i as f64 * 1.7 + phase).sin();
        let mask: Vec<u32> = (0..ROWS * LEN).map(|i| u32::from(i % LEN < LENGTHS[i / LEN])).collect();
        let array = |f: &dyn Fn(usize) -> f64| -> Vec<f64> {
            (0..ROWS * LEN).map(|i| if mask[i] == 0 { f64::NAN } else { f(i) }).collect()
        };
        Self {
            logp: array(&|i| -1.5 + wave(i, 0.3)),
            old: array(&|i| -1.5 + wave(i, 0.3) + spread * wave(i, 1.1)),
            reference: array(&|i| -1.5 + wave(i, 0.3) + 0.4 * wave(i, 2.0)),
            advantage: vec![1.2, -0.7, -1.6, 0.4],
            mask,
        }
    }

    /// Loss of each row and gradient of the reduced loss, of rows from `first` on.
    fn run_rows<S: SurrogateRow>(
        &self,
        loss: &PolicyLoss<S>,
        reduction: Reduction,
        rows: std::ops::Range<usize>,
    ) -> Result<[Vec<f64>; 2], Error> {
        let (n, at) = (rows.len(), rows.start * LEN..rows.end * LEN);
        let x = PolicyInputs {
            old_logp: Some(View::packed(&self.old[at.clone()], LEN)),
            ref_logp: Some(View::packed(&self.reference[at.clone()], LEN)),
            mask: Some(View::packed(&self.mask[at.clone()], LEN)),
            ..PolicyInputs::new(
                (n, LEN),
                View::packed(&self.logp[at.clone()], LEN),
                View { data: &self.advantage[rows.clone()], row: 1, col: 0 },
            )
        };
        let mut planes = vec![0.0; (4 + S::METRICS.len()) * n];
        let mut gradient = vec![0.0; n * LEN];
        policy_rows(loss, &x, reduction, &mut planes, &mut gradient)?;
        planes.truncate(n);
        Ok([planes, gradient])
    }

    fn run<S: SurrogateRow>(&self, loss: &PolicyLoss<S>, reduction: Reduction) -> [Vec<f64>; 2] {
        self.run_rows(loss, reduction, 0..ROWS).expect("a valid batch")
    }
}

#[track_caller]
fn close(got: &[f64], want: &[f64]) {
    assert_eq!(got.len(), want.len());
    let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-12 * b.abs().max(1.0);
    assert!(got.iter().zip(want).all(near), "{got:?}\n{want:?}");
}

fn all_levels() -> [Level; 4] {
    [Level::Token, Level::Sequence, Level::SequenceToken, Level::SequenceSum]
}

/// Gradients against central differences, for every level, which the reference forms by the chain rule.
#[test]
fn gradients_are_those_of_the_losses() {
    fn hold<S: SurrogateRow>(surrogate: S) {
        for level in all_levels() {
            // A stop-gradient has no difference quotient.
            if level == Level::SequenceToken {
                continue;
            }
            for aggregate in [Aggregate::SequenceMean, Aggregate::TokenMean] {
                let loss =
                    PolicyLoss { level, aggregate, beta: 0.3, corrected: true, ..PolicyLoss::new(surrogate) };
                let [_, gradient] = Batch::new(0.25).run(&loss, Reduction::Sum);
                for i in (0..ROWS * LEN).filter(|i| i % LEN < LENGTHS[i / LEN]) {
                    let moved = |h: f64| {
                        let mut batch = Batch::new(0.25);
                        batch.logp[i] += h;
                        batch.run(&loss, Reduction::Sum)[0].iter().sum::<f64>()
                    };
                    let slope = (moved(1e-6) - moved(-1e-6)) / 2e-6;
                    let what = format!("{} {level:?} {aggregate:?} {i}", S::SPEC.slug);
                    assert!((slope - gradient[i]).abs() < 1e-7, "{what}: {slope} {}", gradient[i]);
                }
            }
        }
    }
    hold(Clip::default());
    hold(Clip { epsilon_low: 0.1, epsilon_high: 0.28, delta: 1.3 });
    hold(Sapo::default());
    hold(Gmpo { epsilon_low: 0.1, epsilon_high: 0.1 });
}

/// Where the policies are equal, every surrogate has the plain policy gradient: −A per token, divided by the length.
#[test]
fn on_policy_all_are_the_policy_gradient() {
    fn hold<S: SurrogateRow>(surrogate: S, level: Level) {
        let batch = Batch { old: Batch::new(0.0).logp, ..Batch::new(0.0) };
        let loss = PolicyLoss { level, ..PolicyLoss::new(surrogate) };
        let [_, gradient] = batch.run(&loss, Reduction::Sum);
        let want: Vec<f64> =
            (0..ROWS * LEN)
                .map(|i| {
                    if batch.mask[i] == 0 { 0.0 } else { -batch.advantage[i / LEN] / LENGTHS[i / LEN] as f64 }
                })
                .collect();
        close(&gradient, &want);
    }
    for level in [Level::Token, Level::Sequence, Level::SequenceToken] {
        hold(Clip::default(), level);
        hold(Sapo::default(), level);
        hold(Gmpo::default(), level);
        hold(Cispo::default(), level);
    }
    hold(Vespo::default(), Level::SequenceSum);
}

/// Eight micro-batches of one are one batch of eight (here four), with the whole batch's denominator.
#[test]
fn micro_batches_are_the_batch() {
    for aggregate in
        [Aggregate::SequenceMean, Aggregate::TokenMean, Aggregate::Constant, Aggregate::SequenceSum]
    {
        let loss = PolicyLoss { aggregate, ..presets::GRPO };
        let reduction = aggregate.over(ROWS as u32, LENGTHS.iter().sum::<usize>() as u32, 8);
        let batch = Batch::new(0.5);
        let whole = batch.run(&loss, reduction);
        let mut parts = [Vec::new(), Vec::new()];
        for row in 0..ROWS {
            let part = batch.run_rows(&loss, reduction, row..row + 1).expect("a valid batch");
            parts.iter_mut().zip(part).for_each(|(all, part)| all.extend(part));
        }
        assert_eq!(parts, whole, "{aggregate:?}");
    }
}

/// GSPO-token with an advantage per sequence is GSPO, value and gradient; of single tokens, all levels are one.
#[test]
fn levels_agree_where_they_must() {
    let batch = Batch::new(0.3);
    let gspo = presets::GSPO.with(Clip::default());
    let token = PolicyLoss { level: Level::SequenceToken, ..gspo };
    let (a, b) = (batch.run(&gspo, Reduction::Sum), batch.run(&token, Reduction::Sum));
    close(&a[0], &b[0]);
    close(&a[1], &b[1]);
    let mut single = Batch::new(0.3);
    single.mask = (0..ROWS * LEN).map(|i| u32::from(i % LEN == 0)).collect();
    let of = |level| single.run(&PolicyLoss { level, ..presets::GRPO }, Reduction::Sum);
    for level in all_levels() {
        close(&of(level)[0], &of(Level::Token)[0]);
        close(&of(level)[1], &of(Level::Token)[1]);
    }
}

/// LUSPO is GSPO times the length of the sequence.
#[test]
fn luspo_weighs_by_length() {
    let batch = Batch::new(0.1);
    let gspo = PolicyLoss { aggregate: Aggregate::SequenceMean, ..presets::LUSPO };
    let long = batch.run(&presets::LUSPO, Reduction::Sum);
    let short = batch.run(&gspo, Reduction::Sum);
    close(&long[0], &short[0].iter().zip(LENGTHS).map(|(x, n)| x * n as f64).collect::<Vec<_>>());
    close(
        &long[1],
        &short[1].iter().enumerate().map(|(i, x)| x * LENGTHS[i / LEN] as f64).collect::<Vec<_>>(),
    );
}

/// One token with ratio `r` and advantage `a`: loss and gradient.
fn token<S: SurrogateRow>(surrogate: S, r: f64, a: f64) -> [f64; 2] {
    let (logp, advantage) = ([r.ln()], [a]);
    let plain = PolicyInputs::new((1, 1), View::packed(&logp, 1), View::packed(&advantage, 1));
    let x = PolicyInputs { old_logp: Some(View::packed(&[0.0], 1)), ..plain };
    let (mut planes, mut gradient) = (vec![0.0; 4 + S::METRICS.len()], [0.0]);
    policy_rows(&PolicyLoss::new(surrogate), &x, Reduction::Sum, &mut planes, &mut gradient)
        .expect("one token");
    [planes[0], gradient[0]]
}

/// Numbers by hand: both ends of a clip, the dual clip, gates.
#[test]
fn tokens_by_hand() {
    let clip = Clip { epsilon_low: 0.2, epsilon_high: 0.28, delta: 3.0 };
    close(&token(clip, 1.1, 2.0), &[-2.2, -2.2]);
    close(&token(clip, 1.5, 2.0), &[-2.56, 0.0]);
    close(&token(clip, 0.5, 2.0), &[-1.0, -1.0]);
    close(&token(clip, 0.5, -2.0), &[1.6, 0.0]);
    close(&token(clip, 1.5, -2.0), &[3.0, 3.0]);
    close(&token(clip, 5.0, -2.0), &[6.0, 0.0]);
    close(&token(Clip::default(), 5.0, -2.0), &[10.0, 10.0]);
    // logp = ln r, weight min(r, 2).
    let cispo = Cispo { epsilon_high: 2.0 };
    close(&token(cispo, 1.5, -2.0), &[3.0 * 1.5_f64.ln(), 3.0]);
    close(&token(cispo, 8.0, 2.0), &[-4.0 * 8.0_f64.ln(), -4.0]);
    // σ(2(r − 1)) = 3/4.
    let r = 1.0 + 0.5 * 3.0_f64.ln();
    let sapo = Sapo { temperature_pos: 2.0, temperature_neg: 1.0 };
    close(&token(sapo, r, 2.0), &[-3.0, -1.5 * r]);
    close(&token(Gmpo::default(), 0.4_f64.exp() * 1.5, 2.0), &[-2.0 * 0.4_f64.exp(), 0.0]);
}

/// k3 is not negative, and 0 with no gradient where policy and reference agree.
#[test]
fn the_divergence_vanishes_at_the_reference() {
    let batch = Batch { reference: Batch::new(0.2).logp, ..Batch::new(0.2) };
    let plain = PolicyLoss::new(Clip::default());
    let with = PolicyLoss { beta: 5.0, ..plain };
    assert_eq!(batch.run(&plain, Reduction::Sum), batch.run(&with, Reduction::Sum));
    let batch = Batch::new(0.2);
    let (without, with) = (batch.run(&plain, Reduction::Sum), batch.run(&with, Reduction::Sum));
    assert!(with[0].iter().zip(&without[0]).all(|(a, b)| a > b));
}

/// What means nothing is refused.
#[test]
fn a_divergence_needs_a_reference() {
    let logp = [-1.0];
    let x = PolicyInputs::new((1, 1), View::packed(&logp, 1), View::packed(&logp, 1));
    let refused = policy_rows(&presets::GRPO, &x, Reduction::Sum, &mut [0.0; 6], &mut [0.0; 1]);
    assert!(
        matches!(refused, Err(Error::InvalidCombination { op: "policy/clip", arg: "beta", .. })),
        "{refused:?}"
    );
    let bad = PolicyLoss::new(Clip { delta: 1.1, ..Clip::default() });
    let refused = policy_rows(&bad, &x, Reduction::Sum, &mut [0.0; 6], &mut [0.0; 1]);
    assert!(matches!(refused, Err(Error::InvalidParameter { arg: "delta", .. })), "{refused:?}");
}

/// Masks by entropy and by divergence, by hand; padding is not looked at.
#[test]
fn masks_by_hand() {
    let entropy = [1.0, f64::NAN, 4.0, 2.0, 3.0];
    let mask = [1, 0, 1, 1, 1];
    let (mut scratch, mut keep) = ([0.0; 5], [9; 5]);
    for (quantile, want) in
        [(0.0, [1, 0, 1, 1, 1]), (0.5, [0, 0, 1, 0, 1]), (1.0, [0, 0, 1, 0, 0]), (0.34, [0, 0, 1, 0, 1])]
    {
        high_entropy_mask(&entropy, Some(&mask), quantile, &mut scratch, &mut keep).expect("valid");
        assert_eq!(keep, want, "{quantile}");
    }
    assert!(high_entropy_mask(&entropy, None, 0.5, &mut scratch, &mut keep).is_err());
    // Bad and moved away, bad and near, good and moved away.
    let (logp, sampled) = ([-3.0, f64::NAN, -1.0, -1.0, -3.0, -3.0], [-1.0, 0.0, -1.1, -0.95, -1.0, -1.0]);
    let mut weight = [7.0; 3];
    let arrays = [&logp[..], &sampled[..], &[-1.0, -1.0, 1.0][..]];
    off_policy_weight(arrays, 2, Some(&[1, 0, 1, 1, 1, 1]), 0.5, &mut weight).expect("valid");
    assert_eq!(weight.map(f64::to_bits), [0.0, 1.0, 1.0].map(f64::to_bits));
}
