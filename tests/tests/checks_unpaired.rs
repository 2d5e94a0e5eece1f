//! What papers say of losses on single responses: numbers computed by hand, reductions of one to another, fixed points.

#[path = "common/gpu.rs"]
mod gpu;

#[path = "checks_unpaired/baseline.rs"]
mod baseline;
mod common;

use bellwether_check::file;
use bellwether_core::sig::Reduction;
use bellwether_core::unpaired::{
    A2po, ApoZero, Bco, DirectAdvantage, Dro, Kto, Moments, NashMd, SoftCritic, mismatched,
};
use bellwether_core::{Op, Real};
use bellwether_cpu_ref::token_map::{MapInputs, MapRow, View, token_map};
use bellwether_cpu_ref::unpaired::{centred_advantages, optimal_value, tells_apart};
use common::{data, oracle};

/// One row through the reference: the planes of its result.
fn map<O: MapRow>(op: O, inputs: &[&[f64]], constants: &[&[f64]], reduction: Reduction) -> Vec<Vec<f64>> {
    let n = inputs[0].len();
    let views = |arrays: &[&'_ [f64]]| -> Vec<Vec<f64>> { arrays.iter().map(|a| a.to_vec()).collect() };
    let (x, c) = (views(inputs), views(constants));
    let [x, c] = [&x, &c].map(|arrays| arrays.iter().map(|a| View::packed(&a[..], n)).collect::<Vec<_>>());
    let mut result = vec![0.0; O::PLANES.count() * n];
    token_map(&op, &MapInputs::new((1, n), &x, &c), reduction, &mut result)
        .unwrap_or_else(|error| panic!("{error}"));
    result.chunks(n).map(<[f64]>::to_vec).collect()
}

/// Equal to the digits that were written down.
fn near(got: &[f64], want: &[f64], digits: i32) {
    assert_eq!(got.len(), want.len());
    let scale = |w: &f64| w.abs().max(1.0) * 10_f64.powi(-digits);
    assert!(got.iter().zip(want).all(|(g, w)| (g - w).abs() <= scale(w)), "{got:?}, not {want:?}");
}

/// Log-probabilities of a desirable and an undesirable response, and the reference's: u is 1.2 and −0.7.
const LOGP: [f64; 2] = [-12.0, -15.0];
const REF: [f64; 2] = [-13.2, -14.3];
const LABELS: [f64; 2] = [1.0, 0.0];

/// A batch of log-ratios near and far, of both labels.
fn batch() -> [Vec<f64>; 3] {
    let u = [0.0, 1e-9, -1e-9, 0.3, -0.3, 2.0, -7.0, 40.0, -40.0, 900.0, -900.0, 1e30, -1e30];
    let logp: Vec<f64> = u.iter().flat_map(|&u| [u - 3.0; 2]).collect();
    let labels = (0..logp.len()).map(|i| [1.0, 0.0][i % 2]).collect();
    [logp.clone(), vec![-3.0; logp.len()], labels]
}

#[test]
fn kto_by_hand() {
    let planes = map(Kto::default(), &[&LOGP], &[&REF, &LABELS, &[0.3; 2]], Reduction::Sum);
    near(&[planes[0].iter().sum()], &[0.952_535_987_729], 12);
    near(&planes[1], &[0.12, -0.07], 14);
    near(&planes[2], &[-0.024_949_443_27, 0.024_937_604_02], 11);
}

#[test]
fn apo_zero_is_kto_at_a_baseline_of_0_and_a_pair_taken_apart() {
    let planes = map(ApoZero::default(), &[&LOGP], &[&REF, &LABELS], Reduction::Sum);
    near(&[planes[0].iter().sum()], &[0.952_543_090_569], 12);
    near(&planes[2], &[-0.024_910_215_56, 0.024_969_399_99], 11);

    let [logp, reference, labels] = batch();
    let apo = map(ApoZero::default(), &[&logp], &[&reference, &labels], Reduction::Sum);
    // A baseline below 0 is 0.
    for kl in [0.0, -0.5] {
        let kl = vec![kl; logp.len()];
        assert_eq!(apo, map(Kto::default(), &[&logp], &[&reference, &labels, &kl], Reduction::Sum));
    }
    let kl = vec![0.5; logp.len()];
    assert_ne!(apo, map(Kto::default(), &[&logp], &[&reference, &labels, &kl], Reduction::Sum));
    assert!(apo.iter().flatten().all(|x| x.is_finite()));
}

#[test]
fn weights_belong_to_labels() {
    let [logp, reference, labels] = batch();
    let kl = vec![0.2; logp.len()];
    let arrays: [&[f64]; 3] = [&reference, &labels, &kl];
    let plain = map(Kto::default(), &[&logp], &arrays, Reduction::Sum);
    let op = Kto { desirable_weight: 2.0, undesirable_weight: 0.0, ..Kto::default() };
    let weighted = map(op, &[&logp], &arrays, Reduction::Sum);
    for plane in [0, 2] {
        let want: Vec<f64> = plain[plane].iter().zip(&labels).map(|(x, label)| 2.0 * label * x).collect();
        assert_eq!(weighted[plane], want);
    }
    assert_eq!(weighted[1], plain[1], "rewards have no weight");
    let said = Kto { desirable_weight: -1.0, ..Kto::default() }.check().unwrap_err().to_string();
    assert!(said.contains("desirable_weight") && said.contains("-1"), "{said}");
}

#[test]
fn bco_without_a_shift_is_the_pair_loss_taken_apart() {
    let planes = map(Bco::default(), &[&LOGP], &[&REF, &LABELS, &[0.0; 2]], Reduction::Sum);
    near(&[planes[0].iter().sum()], &[1.293_705_657_14], 11);
    near(&planes[2], &[-0.047_003_594_82, 0.048_250_714_23], 11);
    // A shift is a shift of rewards, and rewards do not show it.
    let moved = map(Bco::default(), &[&LOGP], &[&REF, &LABELS, &[0.5; 2]], Reduction::Sum);
    let by_hand = [0.12_f64, -0.07].map(|reward| reward - 0.5);
    near(&moved[0], &[(-by_hand[0]).softplus(), by_hand[1].softplus()], 14);
    assert_eq!(moved[1], planes[1]);
}

/// The chain of the peer's running moments: its state after every step, and the shift of every loss.
#[test]
fn moments_follow_the_peers() {
    let bundled = (data("golden.json"), "kto_bco/bco.unpaired#");
    let theirs = oracle().into_iter().flat_map(|folder| {
        (0..3).map(move |s| (folder.join(format!("cases/kto_bco.s{s}.json")), "bco.unpaired#"))
    });
    let mut steps = 0;
    for (path, prefix) in [bundled].into_iter().chain(theirs) {
        let cases = file::load(&path).unwrap_or_else(|error| panic!("{error}"));
        let mut state = Moments::default();
        for case in cases.iter().filter(|case| case.id.starts_with(prefix)) {
            let param = |name: &str| case.params[name].as_f64().unwrap_or_else(|| panic!("{name}"));
            let numbers = |name: &str| case.inputs.get(name).map_or(&[][..], |t| &t.data);
            if case.params["step"] == 0 {
                state = Moments::default();
            }
            near(&[state.mean], &[param("running_mean_before")], 14);
            let side = |policy, reference| numbers(policy).iter().zip(numbers(reference));
            let all =
                side("chosen_logps", "ref_chosen_logps").chain(side("rejected_logps", "ref_rejected_logps"));
            state.update(all.map(|(p, r)| param("beta") * (p - r))).unwrap_or_else(|error| panic!("{error}"));
            let deviation = state.deviation().expect("many rewards");
            let after = ["mean", "var", "std", "count"].map(|name| param(&format!("running_{name}_after")));
            near(&[state.mean, state.var, deviation, state.count], &after, 13);
            near(&[state.mean], &case.outputs.get("delta").expect("delta").data, 13);
            steps += 1;
        }
    }
    assert!(steps >= 3, "{steps} steps");
}

#[test]
fn direct_advantage_by_hand() {
    let mut advantages = [0.0; 3];
    centred_advantages(&[0.8, 0.5, 0.2], &mut advantages).expect("three values");
    near(&advantages, &[0.3, 0.0, -0.3], 15);
    let mut shifted = [0.0; 3];
    centred_advantages(&[10.8, 10.5, 10.2], &mut shifted).expect("three values");
    near(&shifted, &advantages, 14);
    assert!(tells_apart(&advantages, 0.1) && !tells_apart(&advantages, 0.7) && !tells_apart(&[], 0.1));
    assert!(centred_advantages(&[0.8], &mut advantages).is_err());

    let op = DirectAdvantage { beta: 0.1 };
    let mean = Reduction::Mean { over: 3 };
    let u = [0.2, -0.1, -0.4];
    let planes = map(op, &[&u], &[&[0.0; 3], &advantages], mean);
    near(&[planes[0].iter().sum::<f64>() / 3.0], &[2.435], 14);
    near(&planes[1], &[-0.933_333, -0.033_333, 0.866_667], 6);
    // Where policy and reference agree, this is the policy gradient.
    let planes = map(op, &[&[-1.0; 3]], &[&[-1.0; 3], &advantages], Reduction::Sum);
    near(&planes[1], &advantages.map(|a| -a / 0.1), 14);
}

/// The fixed points of the fit over the softmax policies of one state: gradients by log-probabilities are `−c π` there.
#[test]
fn direct_advantage_at_its_fixed_points() {
    // Values 0.8, 0.5 and 0.2 above the reference's own, 0.59.
    let (reference, advantages) = ([0.5_f64, 0.3, 0.2], [0.21, -0.09, -0.39]);
    let gradient = |beta, policy: [f64; 3], shares: [f64; 3]| {
        let [logp, ref_logp] = [policy, reference].map(|p| p.map(f64::ln));
        let planes = map(DirectAdvantage { beta }, &[&logp], &[&ref_logp, &advantages], Reduction::Sum);
        std::array::from_fn::<f64, 3, _>(|a| -shares[a] * planes[1][a] / policy[a])
    };
    let published = [
        (0.1, [0.893_513, 0.102_466, 0.004_021]),
        (0.5, [0.670_381, 0.239_487, 0.090_132]),
        (2.0, [0.550_402, 0.285_470, 0.164_128]),
    ];
    for (beta, policy) in published {
        let found = gradient(beta, policy, [1.0 / 3.0; 3]);
        // What half a unit of the last digit written down makes of `(A/β − ln(π/π_ref)) / 3π`.
        let unknown: [f64; 3] =
            std::array::from_fn(|a| 5e-7 * (1.0 / (3.0 * policy[a]) + found[a].abs()) / policy[a]);
        for a in 1..3 {
            assert!((found[a] - found[0]).abs() <= unknown[a] + unknown[0], "{beta}: {found:?}, {unknown:?}");
        }
        assert!(beta > 0.1 || (found[0] - 0.566_844).abs() <= unknown[0] + 5e-7, "{found:?}");
    }
    // With the policy's own samples it is the reference tilted by the advantage.
    for beta in [0.1, 0.5, 2.0] {
        let tilted: [f64; 3] = std::array::from_fn(|a| reference[a] * (advantages[a] / beta).exp());
        let policy = tilted.map(|p| p / tilted.iter().sum::<f64>());
        let [a, b, c] = gradient(beta, policy, policy);
        near(&[b, c], &[a, a], 12);
    }
}

#[test]
fn a_soft_target_is_met_at_its_own_probability_and_certainty_keeps_its_digits() {
    let critic = |logit: f64, target: f64| {
        let planes = map(SoftCritic {}, &[&[logit]], &[&[target]], Reduction::Sum);
        [planes[0][0], planes[1][0]]
    };
    for z in [-3.0, -0.1, 0.0, 0.4, 5.0] {
        near(&critic(z, z.sigmoid())[1..], &[0.0], 15);
        near(&critic(z, 0.3), &[z.softplus() - 0.3 * z, z.sigmoid() - 0.3], 14);
    }
    let [loss, slope] = critic(40.0, 1.0);
    let tail = (-40.0_f64).exp();
    assert!((loss - tail).abs() < 1e-15 * tail && (slope + tail).abs() < 1e-15 * tail, "{loss:e} {slope:e}");
    near(&critic(-1e300, 1.0), &[1e300, -1.0], 15);
}

#[test]
fn residuals_vanish_at_the_optimum() {
    let (reference, rewards, beta) = ([0.5_f64, 0.3, 0.2], [1.0, 0.0, 0.0], 0.5);
    // Ten responses in the reference's shares.
    let drawn = [1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    let value: f64 = optimal_value(beta, &drawn).expect("ten rewards");
    near(&[value], &[0.716_890], 6);
    let logp: [f64; 3] = std::array::from_fn(|a| reference[a].ln() + (rewards[a] - value) / beta);
    near(&logp.map(f64::exp), &[0.880_797, 0.071_522, 0.047_681], 6);
    let ref_logp = reference.map(f64::ln);
    let planes = map(Dro { beta }, &[&logp, &[value; 3]], &[&ref_logp, &rewards], Reduction::Sum);
    for plane in &planes[..3] {
        near(plane, &[0.0; 3], 14);
    }
    // Elsewhere each model gets its own gradient: 2βρ and 2ρ.
    let planes = map(Dro { beta }, &[&[-1.0], &[0.25]], &[&[-3.0], &[2.0]], Reduction::Sum);
    near(&planes.concat()[..3], &[0.75 * 0.75, 2.0 * 0.5 * -0.75, 2.0 * -0.75], 15);
}

#[test]
fn the_optimal_value_lies_between_mean_and_maximum() {
    let drawn = [1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    let value = |beta: f64, rewards: &[f64]| optimal_value(beta, rewards).expect("rewards");
    near(&[value(0.01, &drawn), value(1e9, &drawn)], &[0.993_069, 0.5], 6);
    near(&[value(1.0, &[500.0, -500.0])], &[500.0 - 2.0_f64.ln()], 14);
    assert_eq!((value(0.3, &[7.5; 4]), value(0.3, &[])), (7.5, 0.0));
    assert!(optimal_value(0.0, &drawn).is_err() && optimal_value(1.0, &[f64::NAN]).is_err());
}

#[test]
fn optimal_advantage_regression_is_the_residual_with_a_constant_value() {
    let [logp, reference, rewards] = batch();
    let value: Vec<f64> = (0..logp.len()).map(|i| 0.1 * i as f64 - 1.0).collect();
    let beta = 0.25;
    let a2po = map(A2po { beta2: beta }, &[&logp], &[&reference, &rewards, &value], Reduction::Sum);
    let dro = map(Dro { beta }, &[&logp, &value], &[&reference, &rewards], Reduction::Sum);
    assert_eq!(a2po[..2], dro[..2]);
    // And the advantage regression, times 2β².
    let advantage: Vec<f64> = rewards.iter().zip(&value).map(|(r, v)| r - v).collect();
    let direct = map(DirectAdvantage { beta }, &[&logp], &[&reference, &advantage], Reduction::Sum);
    let scaled: Vec<f64> = direct[0].iter().map(|loss| 2.0 * beta * beta * loss).collect();
    let relative: Vec<f64> = a2po[0].iter().zip(&scaled).map(|(a, b)| (a - b) / b.max(1.0)).collect();
    near(&relative, &vec![0.0; relative.len()], 13);
}

#[test]
fn nash_md_has_no_gradient_through_its_penalty() {
    let op = NashMd { beta: 0.5 };
    let planes = map(op, &[&[-2.0, -1.0]], &[&[-3.0, -1.0], &[0.75, 0.5]], Reduction::Sum);
    near(&planes[0], &[0.5 * -2.0 + 0.25 * 2.0, 0.0], 15);
    near(&planes[1], &[-0.5, 0.0], 15);
    near(&planes[2], &[1.0, 0.0], 15);
    near(&planes[3], &[0.5 - 0.25, 0.0], 15);
}

#[test]
fn every_prompt_gets_a_completion_of_another() {
    for n in [2, 3, 8, 257] {
        let other: Vec<usize> = mismatched(n).collect();
        let mut sorted = other.clone();
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..n) && other.iter().enumerate().all(|(i, &j)| i != j), "{other:?}");
        assert!(other.iter().enumerate().skip(1).all(|(i, &j)| j + 1 == i), "the one before: {other:?}");
    }
    assert_eq!((mismatched(0).count(), mismatched(1).count()), (0, 0));
}
