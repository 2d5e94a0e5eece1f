//! Inputs on which a peer's shipped pair loss returns NaN or infinity: ours is finite and right on every backend.
//!
//! One test per entry; the peers' results were seen with TRL 1.16 and Liger-Kernel 0.8.5.

mod common;

use bellwether_check::judge::judge;
use bellwether_check::problem::{Backend, PairProblem, Precision, Problem};
use bellwether_check::rig::Rig;
use bellwether_core::pair::presets::{
    ALPHA_PO, DISCOPOP, FDPO_ALPHA, FDPO_FORWARD_KL, HINGE, IPO_TOKEN_MEAN, ORPO,
};
use bellwether_core::pair::{Discopop, Length, PairLoss, Sft};
use bellwether_core::sig::Reduction;
use bellwether_cpu_ref::pair_rows::PairLink;
use common::gpu;

/// Log-ratios of chosen and rejected responses.
fn problem<L: PairLink>(loss: PairLoss<L>, chosen: &[f64], rejected: &[f64]) -> PairProblem<L> {
    let single = |xs: &[f64]| xs.iter().map(|&x| f64::from(x as f32)).collect::<Vec<_>>();
    let zero = vec![0.0; chosen.len()];
    PairProblem {
        reduction: Some(Reduction::Sum),
        ..PairProblem::new(loss, [single(chosen), single(rejected), zero.clone(), zero])
    }
}

/// Every loss and gradient is finite on every backend, within its bound, and the losses are about these.
fn holds<L: PairLink>(problem: &PairProblem<L>, losses: &[f64], relative: f64) {
    let rigs = gpu::context().map(|context| Rig::all(&context)).unwrap_or_default();
    let reference = problem.reference(Precision::Wgsl).unwrap_or_else(|error| panic!("{error}"));
    let backends = std::iter::once(Backend::CpuF32).chain(rigs.iter().map(Backend::Gpu));
    for backend in backends {
        let got = problem.run(backend).unwrap_or_else(|error| panic!("{error}"));
        for report in judge(&reference, &got) {
            assert!(report.holds(), "{}: {report:?}", backend.name());
        }
        for name in ["loss", "d_chosen", "d_rejected"] {
            let output = got.iter().find(|o| o.name == name).unwrap_or_else(|| panic!("no {name}"));
            assert!(
                output.data.iter().all(|x| x.is_finite()),
                "{}: {name} {:?}",
                backend.name(),
                output.data
            );
            if name == "loss" {
                for (x, want) in output.data.iter().zip(losses) {
                    assert!(
                        (x - want).abs() <= relative * want.abs(),
                        "{}: {x} is not {want}",
                        backend.name()
                    );
                }
            }
        }
    }
}

#[test]
fn discopop_of_badly_wrong_pairs() {
    // TRL and Liger: NaN from x = -89 on, infinity times 0.
    let loss = PairLoss::new(1.0, Discopop { tau: 0.05 });
    let x = [-87.0, -89.0, -700.0, -720.0];
    holds(&problem(loss, &x, &[0.0; 4]), &[87.0, 89.0, 700.0, 720.0], 1e-6);
}

#[test]
fn discopop_of_ordinary_ratios_under_divergences() {
    // TRL: NaN even in f64 where a score is large.
    let (w, l) = ([-6.0, 3.0, -4.5, 7.0], [2.0, -5.0, 4.0, -8.0]);
    holds(&problem(PairLoss { score: FDPO_FORWARD_KL.score, ..DISCOPOP }, &w, &l), &[], 0.0);
    holds(&problem(PairLoss { score: FDPO_ALPHA.score, ..DISCOPOP }, &w, &l), &[], 0.0);
}

#[test]
fn forward_kl_of_two_unlikely_responses() {
    // TRL: infinity less infinity at log-ratios of -90. The two scores are equal, so the loss is log 2.
    let x = [-90.0, -200.0];
    holds(&problem(FDPO_FORWARD_KL, &x, &x), &[std::f64::consts::LN_2; 2], 1e-6);
}

#[test]
fn odds_ratio_near_probability_1() {
    // TRL: gradient NaN at a mean log-probability of -1e-8. Liger: loss 19 % off at -1e-7, infinite odds at -1e-8.
    let loss = PairLoss { sft: Sft::None, length: Length::Sum, ..ORPO };
    let w = [-1e-8, -1e-7, -1e-16, -1e-30];
    let odds = f64::exp(-1.0) / -f64::exp_m1(-1.0);
    // L = beta log(1 + odds_l / odds_w), and odds_w is about -1/w.
    let want: Vec<f64> = w.iter().map(|&w| 0.1 * f64::ln_1p(odds * -f64::from(w as f32))).collect();
    holds(&problem(loss, &w, &[-1.0; 4]), &want, 1e-5);
}

#[test]
fn alpha_po_of_an_unlikely_response() {
    // TRL: gradient -infinity at a log-probability of -90, NaN at -400, because p underflows.
    let loss = PairLoss { beta: 1.0, length: Length::Sum, margin: 0.0, ..ALPHA_PO };
    holds(&problem(loss, &[-90.0, -0.5, -1.0], &[-30.0, -90.0, -400.0]), &[], 0.0);
}

#[test]
fn weights_beside_a_hinge() {
    // TRL: the backward pass raises, because relu's output is multiplied in place.
    let plain = problem(HINGE, &[1.0, -2.0, 20.0], &[0.5, 3.0, 0.0]);
    let weighted = PairProblem { extras: [Some(vec![0.5, 2.0, 1.0]), None, None], ..plain };
    holds(&weighted, &[0.475, 3.0, 0.0], 1e-6);
}

#[test]
fn alpha_divergence_in_double_precision() {
    // TRL: KeyError in the table of largest exponents.
    let problem = problem(FDPO_ALPHA, &[1.0, -300.0], &[-1.0, 2.0]);
    let outputs = problem.reference(Precision::Double).unwrap_or_else(|error| panic!("{error}"));
    let loss = outputs.iter().find(|o| o.name == "loss").map(|o| o.data[1].value);
    assert!(loss.is_some_and(|loss| loss.is_finite() && loss > 1e33), "{loss:?}");
}

#[test]
fn a_mean_over_no_token_is_a_named_error() {
    // TRL: 0/0. Ours names the response; a kernel says so in the pair's status.
    let nothing =
        PairProblem { lengths: Some([vec![0.0], vec![3.0]]), ..problem(IPO_TOKEN_MEAN, &[0.0], &[-2.0]) };
    let error = nothing.reference(Precision::Double).map(|_| ()).expect_err("a mean over nothing");
    assert!(error.to_string().contains("chosen_len"), "{error}");
}
