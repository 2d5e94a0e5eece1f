//! Golden cases of peers and traces of real training, on the reference, on the CPU and on every GPU rig.

#[path = "common/gpu.rs"]
mod gpu;

mod common;

use std::time::Instant;

use bellwether_check::check::check;
use bellwether_check::file::{self, Case};
use bellwether_check::problem::Backend;
use bellwether_check::report::{CaseReport, Verdict};
use bellwether_check::rig::Rig;
use common::{data, oracle, trace};

/// Peers' operators that are judged; a case of any other must be named as unjudged.
const SUPPORTED: [&str; 108] = [
    "logps.selective",
    "logps.selective_topk",
    "logps.sequence",
    "logps.selective_and_entropy",
    "entropy.from_logits",
    "fused_linear.logprob",
    "fused_linear.jsd",
    "kl.forward",
    "kl.reverse",
    "jsd.generalized",
    "kl.k1",
    "kl.k2",
    "kl.k3",
    "sft.nll",
    "sft.dft",
    "kto.kto",
    "kto.apo_zero_unpaired",
    "bco.unpaired",
    "a2po.loss",
    "nash_md",
    "soft_value.log_mean_exp",
    "dpo.from_logits",
    "dpo.sigmoid",
    "dpo.sigmoid_norm",
    "dpo.hinge",
    "dpo.ipo",
    "dpo.robust",
    "dpo.nca_pair",
    "dpo.sppo_hard",
    "dpo.apo_zero",
    "dpo_legacy.sigmoid",
    "dpo_legacy.hinge",
    "dpo_legacy.robust",
    "dpo_unnormalized.ipo",
    "dpo.exo_pair",
    "dpo.bco_pair",
    "dpo.apo_down",
    "dpo.discopop",
    "dpo_legacy.exo_pair",
    "cpo.sigmoid",
    "cpo.sigmoid.alphapo",
    "cpo.hinge",
    "cpo.hinge.alphapo",
    "cpo.ipo",
    "cpo.ipo.alphapo",
    "simpo",
    "simpo.alphapo",
    "orpo.odds_ratio",
    "reward.bradley_terry",
    "fused_linear.dpo.sigmoid",
    "fused_linear.dpo.hinge",
    "fused_linear.dpo.exo_pair",
    "fused_linear.dpo.nca_pair",
    "fused_linear.dpo.robust",
    "fused_linear.dpo.bco_pair",
    "fused_linear.dpo.sppo_hard",
    "fused_linear.dpo.apo_zero",
    "fused_linear.dpo.apo_down",
    "fused_linear.dpo.discopop",
    "fused_linear.cpo",
    "fused_linear.simpo",
    "fused_linear.orpo",
    "dpo.token_level",
    "xpo.sigmoid",
    "xpo.ipo",
    "tpo.sigmoid",
    "tpo.hinge",
    "tpo.ipo",
    "tpo.tpo-l",
    "math.log1mexp",
    "dpo.aot",
    "dpo.aot_unpaired",
    "fused_linear.kto",
    "grpo.grpo",
    "grpo.bnpo",
    "grpo.dr_grpo",
    "grpo.dapo",
    "grpo.cispo",
    "grpo.sapo",
    "grpo.luspo",
    "grpo.vespo",
    "gmpo",
    "vespo.gamma_weights",
    "ppo.clip_loss",
    "discounted_returns",
    "double_q_learning_error",
    "expected_sarsa_error",
    "gae",
    "general_off_policy_returns_from_action_values",
    "general_off_policy_returns_from_q_and_v",
    "importance_corrected_td_errors",
    "lambda_returns",
    "leaky_vtrace_td_error_and_advantage",
    "persistent_q_learning_error",
    "q_lambda_errors",
    "q_learning_error",
    "qv_learning_error",
    "qv_max_error",
    "retrace_continuous_errors",
    "retrace_errors",
    "sarsa_error",
    "sarsa_lambda_errors",
    "td_error",
    "td_lambda_error",
    "vtrace_errors",
    "vtrace_errors_masked",
    "vtrace_td_error_and_advantage",
    "ppo.gae",
];

/// Cases judged and cases named as unjudged.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    judged: usize,
    unjudged: usize,
}

/// Holds cases to what is promised, on the file's own numbers and on these backends.
fn hold(cases: &[Case], backends: &[Backend<'_>]) -> Tally {
    let (mut tally, mut faults) = (Tally::default(), Vec::new());
    for case in cases {
        let reports = check(case, backends).unwrap_or_else(|error| panic!("{error}"));
        if SUPPORTED.contains(&case.op.as_str()) {
            tally.judged += 1;
            let ran: Vec<_> = reports.iter().map(|r| r.backend.as_str()).collect();
            let wanted: Vec<_> = ["file"].into_iter().chain(backends.iter().map(Backend::name)).collect();
            assert_eq!(ran, wanted, "{}", case.place());
            nothing_is_dropped(case, &reports[0]);
            let bad = reports.into_iter().filter(|r| r.verdict != Verdict::Agrees || r.worst().is_none());
            faults.extend(bad.map(|r| format!("{r:?}")));
        } else {
            tally.unjudged += 1;
            let [report] = &reports[..] else { panic!("{}: {reports:?}", case.place()) };
            let why = report.why.as_deref().unwrap_or_default();
            assert!(report.verdict == Verdict::Unjudged && why.contains(&case.op), "{report:?}");
        }
    }
    assert!(faults.is_empty(), "{} reports do not agree: {faults:#?}", faults.len());
    tally
}

/// Every tensor of the file is judged, or read, or a warning names it.
fn nothing_is_dropped(case: &Case, report: &CaseReport) {
    let told = |name: &str| {
        report.outputs.iter().any(|o| o.name == name)
            || report.warnings.iter().any(|w| w.split([' ', ',']).any(|word| word == name))
    };
    let groups = [
        ("out", &case.outputs),
        ("grad", &case.grads),
        ("exact.out", &case.exact_outputs),
        ("exact.grad", &case.exact_grads),
    ];
    for (kind, group) in groups {
        for (name, tensor) in group.iter().map(|(name, tensor)| (format!("{kind}.{name}"), tensor)) {
            assert!(told(&name), "{}: nothing is said about {name}", case.place());
            let judged = report.outputs.iter().find(|o| o.name == name);
            let unbounded = report.warnings.iter().any(|w| w.starts_with(&format!("{name}: ")));
            assert!(unbounded || judged.is_none_or(|o| o.elements == tensor.len()), "{name}: {judged:?}");
        }
    }
}

fn rigs() -> Vec<Rig> {
    gpu::context().map(|context| Rig::all(&context)).unwrap_or_default()
}

fn backends(rigs: &[Rig]) -> Vec<Backend<'_>> {
    std::iter::once(Backend::CpuF32).chain(rigs.iter().map(Backend::Gpu)).collect()
}

#[test]
fn the_bundled_cases_agree_on_every_backend() {
    let (start, rigs) = (Instant::now(), rigs());
    let cases = file::load(&data("golden.json")).unwrap_or_else(|error| panic!("{error}"));
    for op in SUPPORTED {
        assert!(cases.iter().any(|case| case.op == op), "{op} has no golden case");
    }
    assert!(
        cases.iter().filter(|case| !case.exact_outputs.is_empty()).count() >= 30,
        "hazards with their truth"
    );
    let tally = hold(&cases, &backends(&rigs));
    assert_eq!(tally, Tally { judged: cases.len() - 1, unjudged: 1 });
    println!("golden.json: {tally:?} on the CPU and {} GPU rigs, {:.1?}", rigs.len(), start.elapsed());
}

#[test]
fn the_bundled_trace_agrees_on_every_backend_in_every_output() {
    let (start, rigs) = (Instant::now(), rigs());
    let (case, backends) = (trace(), backends(&rigs));
    assert_eq!(hold(std::slice::from_ref(&case), &backends).judged, 1);
    let reports = check(&case, &backends).unwrap_or_else(|error| panic!("{error}"));
    for report in &reports[1..] {
        for name in
            ["token_logps", "seq_logps", "per_pair", "rewards_chosen", "summary", "d_hidden", "d_weight"]
        {
            let output = report.outputs.iter().find(|o| o.name == name);
            assert!(output.is_some_and(|o| o.elements > 0), "{}: {name} was not judged", report.backend);
        }
    }
    println!("the bundled trace: on the CPU and {} GPU rigs, {:.1?}", rigs.len(), start.elapsed());
}

#[test]
fn the_whole_oracle_agrees() {
    let Some(folder) = oracle() else { return };
    let (start, rigs) = (Instant::now(), rigs());
    // All rigs run the bundled selection; everything runs on the one that is hardest on a kernel.
    let hardest: Vec<_> = rigs.into_iter().rev().take(1).collect();
    let (mut tally, mut files) = (Tally::default(), 0);
    for part in ["cases", "traces"] {
        for path in file::files(&folder.join(part)).unwrap_or_else(|error| panic!("{error}")) {
            let cases = file::load(&path).unwrap_or_else(|error| panic!("{error}"));
            let of_file = hold(&cases, &backends(&hardest));
            tally.judged += of_file.judged;
            tally.unjudged += of_file.unjudged;
            files += 1;
        }
    }
    let names: Vec<_> = hardest.iter().map(Rig::name).collect();
    println!("the oracle, {files} files: {tally:?} on the CPU and {names:?}, {:.1?}", start.elapsed());
    assert!(tally.judged > 400 && tally.unjudged > 0, "{tally:?}");
}

#[test]
fn the_bundled_cases_are_the_oracles() {
    let Some(folder) = oracle() else { return };
    for case in file::load(&data("golden.json")).unwrap_or_else(|error| panic!("{error}")) {
        let (family, id) = case.id.split_once('/').expect("FAMILY/ID");
        let theirs = file::load(&folder.join("cases").join(format!("{family}.s0.json")));
        let theirs = theirs.unwrap_or_else(|error| panic!("{error}")).into_iter().find(|c| c.id == id);
        let theirs = theirs.unwrap_or_else(|| panic!("{id} is not in {family}"));
        let renamed = Case { file: case.file.clone(), id: case.id.clone(), ..theirs };
        assert_eq!(format!("{case:?}"), format!("{renamed:?}"), "{}", case.id);
    }
}
