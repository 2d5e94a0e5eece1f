//! Every generated case, on the CPU in f32 and on the GPU in both dialects and both modes, inside its derived bound.

#[path = "common/gpu.rs"]
mod common;

use std::collections::BTreeMap;

use bellwether_check::check::verify;
use bellwether_check::generate::{self, Case};
use bellwether_check::problem::Backend;
use bellwether_check::report::{CaseReport, Report, Verdict};
use bellwether_check::rig::Rig;

/// Runs all cases of a kind on these backends and demands that every one agrees; at least so many are.
fn run(backends: &[Backend<'_>], is_one: impl Fn(&Case) -> bool, least: usize) {
    let mut report = Report::default();
    for (slug, cases) in generate::all() {
        for case in cases.iter().filter(|case| is_one(case)) {
            report.cases.extend(verify(slug, case, backends));
        }
    }
    println!("{}", report.to_text());
    let bad: Vec<&CaseReport> = report.cases.iter().filter(|c| c.verdict != Verdict::Agrees).collect();
    assert!(bad.is_empty(), "{} of {} do not agree, see above", bad.len(), report.cases.len());
    assert!(
        report.cases.len() > least * backends.len(),
        "the suite has shrunk to {} cases",
        report.cases.len()
    );
}

#[test]
fn cpu_in_f32() {
    run(&[Backend::CpuF32], |case| !case.heavy, 300);
}

#[test]
fn gpu_in_two_dialects_and_two_modes() {
    let Some(context) = common::context() else { return };
    let rigs = Rig::all(&context);
    run(&rigs.iter().map(Backend::Gpu).collect::<Vec<_>>(), |case| !case.heavy, 300);
}

#[test]
fn gpu_with_little_room() {
    let Some(_) = common::context() else { return };
    let rig = Rig::tight().expect("a device can be opened with less than it has");
    run(&[Backend::Gpu(&rig)], |case| case.tight, 20);
}

/// The worst error of every output of every operator as a fraction of its bound; 0 where none was ever wrong.
fn worst(backends: &[Backend<'_>]) -> BTreeMap<(&'static str, String), f64> {
    let mut worst = BTreeMap::new();
    for (slug, cases) in generate::all() {
        let light = cases.iter().filter(|case| !case.heavy);
        for output in light.flat_map(|case| verify(slug, case, backends)).flat_map(|report| report.outputs) {
            let ratio = worst.entry((slug, output.name.clone())).or_insert(0.0_f64);
            *ratio = ratio.max(output.ratio());
        }
    }
    worst
}

/// A bound that nothing comes near proves nothing, and one that is passed is none: the worst error of every output
/// is between a thousandth of its bound and the whole.
fn neither_loose_nor_violated(backends: &[Backend<'_>]) {
    let mut faults = Vec::new();
    for ((slug, output), ratio) in worst(backends) {
        println!("{slug:<24} {output:<16} worst error is {ratio:.4} of its bound");
        let own = format!("{slug} {output}");
        // The planes of a label's part are those of TokenRows.
        let plane = output.trim_start_matches("hard_");
        let exact = EXACT.iter().any(|(name, _)| plane == *name || own == *name);
        let allowed = if exact { 0.0..=1.0 } else { 1e-3..=1.0 };
        if !allowed.contains(&ratio) {
            faults.push(format!("{slug} {output}: {ratio:e}"));
        }
    }
    assert!(faults.is_empty(), "loose or violated: {faults:#?}");
}

/// Outputs, of all operators or of one, that have no rounding to come near a bound, and what they are.
const EXACT: [(&str, &str); 10] = [
    ("tokens", "an integer"),
    ("policy/value_clip clipped", "0 or 1, free where two errors may be equal"),
    ("allowed", "an integer"),
    ("top1", "0 or 1, free where scaled logits may be equal"),
    ("logprob/nll loss", "an input with its sign changed"),
    ("index", "an integer"),
    ("status", "a number told from bits"),
    ("count", "an integer"),
    ("accuracy", "0 or 1, free where the margin may have either sign"),
    ("poisoned", "which rows are bad"),
];

#[test]
fn bounds_are_neither_loose_nor_violated_on_the_cpu() {
    neither_loose_nor_violated(&[Backend::CpuF32]);
}

#[test]
fn bounds_are_neither_loose_nor_violated_on_a_gpu() {
    let Some(context) = common::context() else { return };
    neither_loose_nor_violated(&[Backend::Gpu(&Rig::all(&context)[0])]);
}

/// The registry and the suite hold the same operators.
#[test]
fn every_operator_is_tested() {
    let tested: Vec<&str> =
        generate::all().into_iter().filter(|(_, c)| !c.is_empty()).map(|(s, _)| s).collect();
    for spec in bellwether_core::registry::SPECS {
        assert!(tested.contains(&spec.slug), "{} has no case", spec.slug);
    }
}
