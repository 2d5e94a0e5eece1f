//! `bellwether` with no arguments: a real training step on every backend, and a quick conformance run.

use std::process::ExitCode;

use bellwether_check::check::check;
use bellwether_check::file;
use bellwether_check::report::{CaseReport, OutputReport};

use super::backends::Backends;
use super::verify::suite;
use super::{Common, fail, finish, say};

/// One optimiser step of TRL's DPOTrainer, without its logits: `hidden · weightᵀ` gives them.
const TRACE: &[u8] = include_bytes!("../../data/dpo_sigmoid.s0.step1.safetensors");

pub(super) fn run(common: &Common) -> ExitCode {
    let backends = Backends::new(common);
    let case = file::parse("bundled trace", TRACE);
    let judged = case.and_then(|case| Ok((check(&case, &backends.list())?, case)));
    let (trace, case) = match judged {
        Ok(judged) => judged,
        Err(error) => return fail(common, error),
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
    finish(common, report, &backends, 0)
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
