//! `bellwether` with no arguments: a real training step on every backend, and a quick conformance run.

use std::process::ExitCode;

use bellwether_check::check::check;
use bellwether_check::file;
use bellwether_check::report::{CaseReport, OutputReport, Report};

use super::backends::Backends;
use super::verify::suite;
use super::{Common, complain, finish, say, status};

/// One optimiser step of TRL's DPOTrainer, without its logits: `hidden · weightᵀ` gives them.
const TRACE: &[u8] = include_bytes!("../../data/dpo_sigmoid.s0.step1.safetensors");

pub(super) fn run(common: &Common) -> ExitCode {
    let backends = Backends::new(common);
    let case = match file::parse("bundled trace", TRACE) {
        Ok(case) => case,
        Err(error) => {
            complain(error);
            return ExitCode::from(2);
        }
    };
    let trace = match check(&case, &backends.list()) {
        Ok(reports) => reports,
        Err(error) => {
            complain(error);
            return ExitCode::from(2);
        }
    };
    if !common.json {
        say(format!("{}\n", backends.headline()));
        say(format!("A real training step: {} ({}, {} tokens)", case.op, case.source, tokens(&case)));
        say("worst error / its bound, which is derived and not chosen\n");
        say(table(&trace));
        say("A quick conformance run (`bellwether verify --heavy` is the whole of it)\n");
    }
    let mut report = suite(&backends.list(), |_, case| !case.heavy);
    report.cases.splice(0..0, trace);
    report.notes.push(backends.headline());
    if common.json {
        return finish(common, &report, 0);
    }
    let quick = Report {
        cases: report.cases.iter().filter(|c| c.file.is_empty()).cloned().collect(),
        notes: report.notes.clone(),
    };
    say(quick.to_text());
    status(&report, 0)
}

fn tokens(case: &file::Case) -> usize {
    case.inputs.get("labels").map_or(0, |labels| labels.data.iter().filter(|label| **label >= 0.0).count())
}

/// Outputs down, backends across; the GPU's column is the worst of its modes.
fn table(reports: &[CaseReport]) -> String {
    let column = |prefix: &'static str| reports.iter().filter(move |r| r.backend.starts_with(prefix));
    let columns = ["file", "cpu", "gpu"].map(|prefix| column(prefix).collect::<Vec<_>>());
    let mut names: Vec<&str> = Vec::new();
    for output in reports.iter().flat_map(|r| &r.outputs) {
        if !names.contains(&bare(&output.name)) {
            names.push(bare(&output.name));
        }
    }
    let head = format!("{:<22}{:<24}{:<24}{}\n", "", "TRL's own numbers", "cpu f32", "gpu, worst of 4 modes");
    let line = |name: &str| {
        let cells = columns.each_ref().map(|reports| cell(reports, name));
        format!("{:<22}{:<24}{:<24}{}\n", name, cells[0], cells[1], cells[2])
    };
    names.into_iter().fold(head, |text, name| text + &line(name))
}

/// A file says `grad.hidden` where a backend says `d_hidden`.
fn bare(name: &str) -> &str {
    name.strip_prefix("out.").unwrap_or(name)
}

fn cell(reports: &[&CaseReport], name: &str) -> String {
    let found = reports.iter().flat_map(|r| &r.outputs).filter(|o| bare(&o.name) == name);
    let worst = found.max_by(|a: &&OutputReport, b| a.ratio().total_cmp(&b.ratio()));
    worst.map_or_else(String::new, |o| {
        format!("{:.1e} / {:.1e}{}", o.worst, o.bound, if o.holds() { "" } else { "  DISAGREES" })
    })
}
