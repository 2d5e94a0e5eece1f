//! Every generated case, on the CPU in f32 and on the GPU in both dialects and both modes, inside its derived bound.

#[path = "common/gpu.rs"]
mod common;

use bellwether_check::check::verify;
use bellwether_check::generate;
use bellwether_check::problem::Backend;
use bellwether_check::report::{CaseReport, OutputReport, Report, Verdict};
use bellwether_check::rig::Rig;

/// Runs all cases that are not heavy on these backends and demands that every one agrees.
fn run(backends: &[Backend<'_>]) {
    let mut report = Report::default();
    for (slug, cases) in generate::all() {
        for case in cases.iter().filter(|case| !case.heavy) {
            report.cases.extend(verify(slug, case, backends));
        }
    }
    println!("{}", report.to_text());
    let bad: Vec<&CaseReport> = report.cases.iter().filter(|c| c.verdict != Verdict::Agrees).collect();
    assert!(bad.is_empty(), "{} of {} do not agree, see above", bad.len(), report.cases.len());
    assert!(
        report.cases.len() > 300 * backends.len(),
        "the suite has shrunk to {} cases",
        report.cases.len()
    );
}

#[test]
fn cpu_in_f32() {
    run(&[Backend::CpuF32]);
}

#[test]
fn gpu_in_two_dialects_and_two_modes() {
    let Some(context) = common::context() else { return };
    let rigs = Rig::all(&context);
    run(&rigs.iter().map(Backend::Gpu).collect::<Vec<_>>());
}

/// A bound that nothing comes near proves nothing: every operator's worst error is above a thousandth of its bound.
#[test]
fn bounds_are_not_loose() {
    for (slug, cases) in generate::all() {
        let light = cases.iter().filter(|case| !case.heavy);
        let reports: Vec<_> = light.flat_map(|case| verify(slug, case, &[Backend::CpuF32])).collect();
        let ratio = |report: &CaseReport| report.worst().map_or(0.0, OutputReport::ratio);
        let worst = reports.iter().map(ratio).fold(0.0, f64::max);
        println!("{slug:<24} worst error is {worst:.3} of its bound");
        assert!(worst > 1e-3, "{slug}: the worst error is only {worst:e} of its bound");
    }
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
