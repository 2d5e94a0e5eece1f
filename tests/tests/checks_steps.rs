//! Whole steps against numbers, limits and reductions of their papers, and against losses written out here once more;
//! and every method of the field by its name.

use bellwether_check::problem::{
    Head, Layout, MapProblem, PairProblem, Precision, Problem, RefLogps, SingleStep, StepProblem, TdpoProblem,
};
use bellwether_core::logprob::{Denoising, Kl, Nll};
use bellwether_core::pair::{PairLoss, SequentialKl, presets};
use bellwether_core::registry::SPECS;
use bellwether_core::sig::Reduction;
use bellwether_core::sig::token_rows::Labels;
use bellwether_core::unpaired::Kto;

const PAIRS: usize = 2;
const LEN: usize = 5;
const V: usize = 4;
const ROWS: usize = 2 * PAIRS * LEN;

/// A prompt token, then answers of 4, 2, 3 and 4 tokens.
fn labels() -> Vec<i32> {
    let counts = [4, 2, 3, 4];
    (0..ROWS)
        .map(|i| if (1..=counts[i / LEN]).contains(&(i % LEN)) { (i % V) as i32 } else { -100 })
        .collect()
}

fn rules() -> Labels {
    Labels { seq_len: LEN, ..Labels::default() }
}

/// Numbers from −2 to 2 that repeat nowhere near.
fn numbers(n: usize, seed: usize) -> Vec<f64> {
    (0..n).map(|i| 2.0 * f64::sin((i * 37 + seed * 101) as f64)).collect()
}

fn named(problem: &impl Problem, name: &str) -> Vec<f64> {
    let outputs = problem.reference(Precision::Double).unwrap_or_else(|error| panic!("{error}"));
    let found = outputs.iter().find(|output| output.name == name).unwrap_or_else(|| panic!("no {name}"));
    found.data.iter().map(|judged| judged.value).collect()
}

#[track_caller]
fn close(got: &[f64], want: &[f64], within: f64) {
    assert_eq!(got.len(), want.len());
    for (got, want) in got.iter().zip(want) {
        assert!((got - want).abs() <= within * want.abs().max(1.0), "{got} is not {want}");
    }
}

/// Central differences of a function of one array.
fn differences(x: &[f64], of: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    const H: f64 = 1e-5;
    let at = |i: usize, h: f64| {
        let mut moved = x.to_vec();
        moved[i] += h;
        of(&moved)
    };
    (0..x.len()).map(|i| (at(i, H) - at(i, -H)) / (2.0 * H)).collect()
}

fn log_softmax(row: &[f64]) -> Vec<f64> {
    let total = row.iter().map(|x| x.exp()).sum::<f64>().ln();
    row.iter().map(|x| x - total).collect()
}

/// Per response the sum over its tokens of `term(row, label, log-probabilities of policy and reference)`.
fn sums(logits: &[f64], ref_logits: &[f64], term: impl Fn(usize, usize, &[f64], &[f64]) -> f64) -> Vec<f64> {
    let labels = labels();
    let of_row = |i: usize| {
        let y = usize::try_from(labels[i]).ok()?;
        let row = |x: &[f64]| log_softmax(&x[i * V..][..V]);
        Some(term(i, y, &row(logits), &row(ref_logits)))
    };
    (0..2 * PAIRS).map(|s| (s * LEN..(s + 1) * LEN).filter_map(of_row).sum()).collect()
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn divergences(logits: &[f64], ref_logits: &[f64]) -> Vec<f64> {
    sums(logits, ref_logits, |_, _, p, q| q.iter().zip(p).map(|(q, p)| q.exp() * (q - p)).sum())
}

fn ratios(logits: &[f64], ref_logits: &[f64]) -> Vec<f64> {
    sums(logits, ref_logits, |_, y, p, q| p[y] - q[y])
}

/// TDPO's loss as the paper writes it: the chosen response's divergence is given.
fn tdpo_loss(ratios: &[f64], chosen: &[f64], rejected: &[f64], alpha: f64) -> f64 {
    let pair = |i: usize| {
        softplus(-0.1 * (ratios[i] - ratios[i + PAIRS] - alpha * (rejected[i + PAIRS] - chosen[i])))
    };
    (0..PAIRS).map(pair).sum::<f64>() / PAIRS as f64
}

fn tdpo(
    term: SequentialKl,
    logits: Vec<f64>,
    ref_logits: Vec<f64>,
) -> TdpoProblem<bellwether_core::pair::Logistic> {
    TdpoProblem {
        loss: presets::TDPO1,
        term,
        divergence: Kl::default(),
        logits: [logits, ref_logits],
        v: V,
        pairs: PAIRS,
        len: LEN,
        labels: labels(),
        rules: rules(),
        reduction: Reduction::Mean { over: PAIRS as u32 },
    }
}

#[test]
fn token_level_dpo_is_the_papers_with_its_stop_gradient() {
    let (x, r) = (numbers(ROWS * V, 1), numbers(ROWS * V, 2));
    let f = divergences(&x, &r);
    for (term, alpha) in [(SequentialKl::TDPO1, 1.0), (SequentialKl::TDPO2, 0.5)] {
        let step = tdpo(term, x.clone(), r.clone());
        let loss = |x: &[f64]| {
            let moving = divergences(x, &r);
            let chosen = if term.chosen_gradient { &moving } else { &f };
            tdpo_loss(&ratios(x, &r), chosen, &moving, alpha)
        };
        close(&named(&step, "summary")[..1], &[loss(&x)], 1e-13);
        close(&named(&step, "d_logits"), &differences(&x, loss), 1e-9);
    }
}

#[test]
fn token_level_dpo_at_its_limits() {
    let (x, r) = (numbers(ROWS * V, 3), numbers(ROWS * V, 4));
    let of = |term, name: &str| named(&tdpo(term, x.clone(), r.clone()), name);
    // Policy and reference alike: no divergence, log 2.
    let alike = tdpo(SequentialKl::TDPO1, x.clone(), x.clone());
    close(&named(&alike, "summary")[..1], &[std::f64::consts::LN_2], 1e-14);
    // Without divergences it is DPO on the same logits.
    let ref_logps = (0..ROWS)
        .map(|i| usize::try_from(labels()[i]).map_or(f64::NAN, |y| log_softmax(&r[i * V..][..V])[y]));
    let dpo = step(presets::DPO, Head::Logits(x.clone()), ref_logps.collect());
    let none = SequentialKl { weight: 0.0, ..SequentialKl::TDPO2 };
    close(&of(none, "summary"), &named(&dpo, "summary"), 1e-13);
    close(&of(none, "d_logits"), &named(&dpo, "d_logits"), 1e-13);
    // The stop-gradient does not show in the value, and shows in the gradient of chosen rows alone.
    let stopped = SequentialKl { weight: 1.0, chosen_gradient: false };
    close(&of(stopped, "summary"), &of(SequentialKl::TDPO1, "summary"), 1e-14);
    let (with, without) = (of(SequentialKl::TDPO1, "d_logits"), of(stopped, "d_logits"));
    let half = ROWS * V / 2;
    close(&without[half..], &with[half..], 1e-14);
    assert!(with[..half].iter().zip(&without).any(|(a, b)| (a - b).abs() > 1e-3));
    // A constant per position changes nothing.
    let shifted = x.iter().enumerate().map(|(i, x)| x + (i / V % 7) as f64).collect();
    close(
        &named(&tdpo(SequentialKl::TDPO2, shifted, r.clone()), "summary"),
        &of(SequentialKl::TDPO2, "summary"),
        1e-12,
    );
    // The paper's anchor: one position of three tokens.
    let (p, q) = ([0.2_f64, 0.3, 0.5], [0.5_f64, 0.3, 0.2]);
    let f: f64 = p.iter().zip(&q).map(|(p, q)| q * (q / p).ln()).sum();
    close(&[f], &[0.274_887], 1e-6);
}

fn step<L>(loss: PairLoss<L>, head: Head, ref_logps: Vec<f64>) -> StepProblem<L> {
    let v = if matches!(head, Head::Logps(_)) { 0 } else { V };
    let reduction = Reduction::Mean { over: PAIRS as u32 };
    let (labels, rules, extras) = (labels(), rules(), [None, None, None]);
    StepProblem {
        loss,
        head,
        v,
        pairs: PAIRS,
        len: LEN,
        labels,
        rules,
        ref_logps,
        reduction,
        extras,
        tail: None,
    }
}

#[test]
fn length_desensitised_dpo_is_the_papers() {
    let (x, r) = (numbers(ROWS * V, 5), numbers(ROWS * V, 6));
    // Answers of 4 and 3 tokens, and of 2 and 4: what is beyond the third and the second token of the longer.
    let in_tail = |row: usize| matches!((row / LEN, row % LEN), (0, 4) | (3, 3 | 4));
    let loss = |x: &[f64], alpha: f64| {
        let s = sums(x, &r, |row, y, p, q| if in_tail(row) { alpha } else { 1.0 } * (p[y] - q[y]));
        (0..PAIRS).map(|i| softplus(-0.1 * (s[i] - s[i + PAIRS]))).sum::<f64>() / PAIRS as f64
    };
    let ref_logps: Vec<f64> = (0..ROWS)
        .map(|i| usize::try_from(labels()[i]).map_or(f64::NAN, |y| log_softmax(&r[i * V..][..V])[y]))
        .collect();
    let plain = step(presets::LD_DPO, Head::Logits(x.clone()), ref_logps);
    for alpha in [0.0, 0.3, 1.0] {
        let tailed = StepProblem { tail: Some(alpha), ..plain.clone() };
        close(&named(&tailed, "summary")[..1], &[loss(&x, alpha)], 1e-13);
        close(&named(&tailed, "d_logits"), &differences(&x, |x| loss(x, alpha)), 1e-9);
    }
    // Whole tails are DPO; responses of one length have none.
    let whole = StepProblem { tail: Some(1.0), ..plain.clone() };
    close(&named(&whole, "d_logits"), &named(&plain, "d_logits"), 1e-14);
    let mut even = StepProblem { tail: Some(0.0), ..plain };
    even.labels = (0..ROWS).map(|i| if i % LEN < 3 { 1 } else { -100 }).collect();
    even.ref_logps = vec![-1.0; ROWS];
    close(&named(&even, "d_logits"), &named(&StepProblem { tail: None, ..even.clone() }, "d_logits"), 1e-14);
    let wrong = StepProblem { tail: Some(1.5), ..even };
    let error = wrong.reference(Precision::Double).map(|_| ()).expect_err("a weight above 1");
    assert!(error.to_string().contains("tail.weight"), "{error}");
}

fn single<O>(op: O, logits: Vec<f64>, reduction: Reduction) -> SingleStep<O> {
    let responses = logits.len() / (LEN * V);
    SingleStep {
        op,
        head: Head::Logits(logits),
        v: V,
        responses,
        len: LEN,
        labels: labels()[..responses * LEN].to_vec(),
        rules: rules(),
        reference: None,
        inputs: Vec::new(),
        constants: Vec::new(),
        reduction,
        weight: 1.0,
    }
}

#[test]
fn steps_of_single_responses_are_their_losses() {
    let (x, mean) = (numbers(ROWS * V, 7), Reduction::Mean { over: 4 });
    let (reference, desirable, kl) = ([-4.0, -2.5, -5.0, -3.0], [1.0, 0.0, 0.0, 1.0], 0.4);
    let zeros = vec![0.0; ROWS * V];
    let sum = |x: &[f64]| sums(x, &zeros, |_, y, p, _| p[y]);
    let loss = |x: &[f64]| {
        let one = |(i, s): (usize, f64)| {
            let gain = 0.1 * (s - reference[i] - kl);
            1.0 / (1.0 + if desirable[i] > 0.5 { gain } else { -gain }.exp())
        };
        sum(x).into_iter().enumerate().map(one).sum::<f64>() / 4.0
    };
    let mut kto = single(Kto::default(), x.clone(), mean);
    kto.reference = Some(RefLogps::Sequence(reference.to_vec()));
    kto.constants = vec![desirable.to_vec(), vec![kl]];
    close(&named(&kto, "sum"), &[loss(&x)], 1e-13);
    close(&named(&kto, "d_logits"), &differences(&x, loss), 1e-9);
    // What a loss counts beside others.
    let plain = single(Nll {}, x.clone(), mean);
    let weighted = SingleStep { weight: -0.5, ..plain.clone() };
    close(&named(&weighted, "sum"), &[-0.5 * named(&plain, "sum")[0]], 1e-14);
    let halved: Vec<f64> = named(&plain, "d_logits").iter().map(|d| -0.5 * d).collect();
    close(&named(&weighted, "d_logits"), &halved, 1e-14);
    // A response at a time, over the same denominator.
    let parts = (0..4).map(|i| {
        let mut part = single(Nll {}, x[i * LEN * V..][..LEN * V].to_vec(), mean);
        part.labels = plain.labels[i * LEN..][..LEN].to_vec();
        part
    });
    let parts: Vec<f64> = parts.flat_map(|part| named(&part, "d_logits")).collect();
    close(&parts, &named(&plain, "d_logits"), 0.0);
}

#[test]
fn a_loss_whose_arrays_are_missing_is_refused() {
    let kto = single(Kto::default(), numbers(ROWS * V, 8), Reduction::Sum);
    let error = kto.reference(Precision::Double).map(|_| ()).expect_err("a loss without its reference");
    assert!(error.to_string().contains("reference"), "{error}");
}

#[test]
fn triple_preference_is_dpo_without_reference_beside_a_likelihood() {
    let anchor = |loss, w: f64, l: f64| {
        let problem = PairProblem {
            reduction: Some(Reduction::Sum),
            ..PairProblem::new(loss, [vec![w], vec![l], vec![0.0], vec![0.0]])
        };
        named(&problem, "loss")[0]
    };
    // log-probabilities of -20, -25 and, of the best response, -18; beta .2, alpha .9.
    close(&[anchor(presets::TRIPLE_PO, -20.0, -25.0) + 0.9 * 18.0], &[16.513_262], 1e-7);
    // The best response is the chosen one: CPO.
    let cpo = PairLoss { beta: 0.2, ..presets::CPO };
    close(&[anchor(presets::TRIPLE_PO, -3.0, -4.0) + 3.0], &[anchor(cpo, -3.0, -4.0)], 1e-14);
}

/// Minus the mean squared error of a sample, and its slope by each element.
fn denoised(predicted: &[f64], noise: &[f64]) -> (f64, Vec<f64>) {
    let n = predicted.len();
    let problem = MapProblem {
        op: Denoising {},
        rows: 1,
        len: n,
        inputs: vec![predicted.to_vec()],
        constants: vec![noise.to_vec()],
        mask: None,
        upstream: None,
        reduction: Reduction::Mean { over: n as u32 },
        layout: Layout::Packed,
    };
    (named(&problem, "sum")[0], named(&problem, "d_predicted"))
}

#[test]
fn denoising_errors_make_the_pairs_of_diffusion_models() {
    let (noise, reference) = (numbers(6, 9), [-0.4, -0.9]);
    let loss = PairLoss { beta: 1.3, ..presets::DIFFUSION_DPO };
    let predicted = [numbers(6, 10), numbers(6, 11)];
    let [(w, slopes), (l, _)] = predicted.each_ref().map(|x| denoised(x, &noise));
    let problem = PairProblem {
        reduction: Some(Reduction::Sum),
        ..PairProblem::new(loss, [vec![w], vec![l], vec![reference[0]], vec![reference[1]]])
    };
    let by_hand = |chosen: &[f64]| {
        let error = |x: &[f64]| x.iter().zip(&noise).map(|(x, e)| (x - e).powi(2)).sum::<f64>() / 6.0;
        let (w, l) = (error(chosen) + reference[0], error(&predicted[1]) + reference[1]);
        softplus(1.3 * (w - l))
    };
    close(&named(&problem, "loss"), &[by_hand(&predicted[0])], 1e-13);
    let up = named(&problem, "d_chosen")[0];
    let gradient: Vec<f64> = slopes.iter().map(|slope| up * slope).collect();
    close(&gradient, &differences(&predicted[0], by_hand), 1e-9);
}

/// What the field calls its losses, and what stands for each here.
const METHODS: &[(&str, &[&str])] = &[
    ("DPO, RSO sigmoid-norm", &["pair/dpo"]),
    ("cDPO", &["pair/cdpo"]),
    ("rDPO", &["pair/rdpo"]),
    ("IPO", &["pair/ipo_sum", "pair/ipo_token_mean"]),
    ("hinge with reference (RSO hinge-norm), SLiC", &["pair/hinge_norm", "pair/slic_hinge"]),
    ("length-normalised DPO", &["pair/dpo_norm"]),
    ("SimPO, CPO, ORPO, ASFT", &["pair/simpo", "pair/cpo", "pair/orpo", "pair/asft_mean"]),
    ("f-DPO", &["pair/dpo", "pair/fdpo_forward_kl", "pair/fdpo_js", "pair/fdpo_alpha"]),
    ("EXO, NCA, BCO, SPPO", &["pair/exo_pair", "pair/nca_pair", "pair/bco_pair", "pair/sppo_hard"]),
    ("DNO", &["pair/dno", "pair/dno_prct"]),
    ("APO", &["pair/apo_zero_pair", "pair/apo_down_pair", "unpaired/apo_zero"]),
    ("AOT, in pairs and unpaired", &["list/aot"]),
    ("DiscoPOP", &["pair/discopop_lrml"]),
    ("TDPO", &["pair/tdpo1", "pair/tdpo2"]),
    ("XPO", &["pair/xpo"]),
    ("HyPO: DPO and its online term", &["pair/dpo", "list/leave_one_out"]),
    ("Triple PO", &["pair/triple_po", "pair/triple_po_l", "pair/triple_po_hinge", "pair/triple_po_ipo"]),
    ("OFS-DPO", &["pair/ofs_dpo_fast", "pair/ofs_dpo_slow"]),
    ("Step-APO, offset DPO", &["pair/step_apo"]),
    ("MCTS-DPO", &["pair/mcts_dpo"]),
    ("OPA-DPO's anchors", &["pair/bco_pair"]),
    ("Curry-DPO", &["pair/curry_dpo"]),
    ("D3PO, Diffusion-DPO, SePPO", &["pair/d3po", "pair/diffusion_dpo", "pair/seppo_diffusion"]),
    ("errors of denoising, per sample", &["logprob/denoising", "logprob/sequence_mean"]),
    ("context-marginalised preference", &["list/context_mixture"]),
    ("CoPG", &["pair/copg_pair", "list/copg"]),
    ("REBEL, A*-PO, Nash-MD", &["pair/rebel", "unpaired/a2po", "unpaired/nash_md"]),
    ("WPO, LD-DPO", &["pair/wpo", "pair/ld_dpo"]),
    ("Bradley-Terry reward model", &["pair/reward_model"]),
    ("KTO, BCO unpaired, DRO", &["unpaired/kto", "unpaired/bco", "unpaired/dro"]),
    ("direct advantage, soft critics", &["unpaired/direct_advantage", "unpaired/soft_critic"]),
];

#[test]
fn every_method_of_the_field_is_there_with_its_source() {
    let here = |slug: &str| {
        let preset = presets::ALL.iter().find(|preset| preset.slug == slug).map(|preset| &preset.paper);
        let spec = SPECS.iter().find(|spec| spec.slug == slug).and_then(|spec| spec.papers.first());
        preset.or(spec).is_some_and(|paper| !paper.id.is_empty()) || slug == "logprob/sequence_mean"
    };
    for (method, slugs) in METHODS {
        assert!(slugs.iter().all(|slug| here(slug)), "{method}: {slugs:?}");
    }
    let named: Vec<&str> = METHODS.iter().flat_map(|(_, slugs)| *slugs).copied().collect();
    let alpha = ["pair/alpha_po"];
    for preset in presets::ALL.iter().filter(|preset| !alpha.contains(&preset.slug)) {
        assert!(named.contains(&preset.slug), "{} is called nothing here", preset.slug);
        assert!(!SPECS.iter().any(|spec| spec.slug == preset.slug), "{} is an operator's name", preset.slug);
    }
}
