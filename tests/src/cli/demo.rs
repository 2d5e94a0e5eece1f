//! `bellwether` with no arguments: a real training step on every backend, and a quick conformance run.

use std::process::ExitCode;

use bellwether_check::check::check;
use bellwether_check::file;
use bellwether_check::report::{CaseReport, OutputReport, Verdict};

use super::backends::Backends;
use super::verify::suite;
use super::{Common, fail, finish, say, status};

/// One optimiser step of TRL's DPOTrainer, without its logits: `hidden · weightᵀ` gives them.
const TRACE: &[u8] = include_bytes!("../../data/dpo_sigmoid.s0.step1.safetensors");

/// The rows of the first table: what it is, the file's name for it, the backends' name.
const ROWS: [(&str, &str, &str); 6] = [
    ("token log-probs", "out.token_logps", "token_logps"),
    ("sequence log-probs", "", "seq_logps"),
    ("loss of each pair", "out.per_pair", "per_pair"),
    ("loss (and rewards)", "out.loss", "summary"),
    ("gradient of hidden", "grad.hidden", "d_hidden"),
    ("gradient of weight", "grad.weight", "d_weight"),
];

pub(super) fn run(common: &Common) -> ExitCode {
    let backends = Backends::new(common);
    let cases = file::parse("bundled trace", TRACE);
    let case = cases.map(|cases| cases.into_iter().next().unwrap_or_default());
    let judged = case.and_then(|case| Ok((check(&case, &backends.list())?, case)));
    let (trace, case) = match judged {
        Ok(judged) => judged,
        Err(error) => return fail(common, error),
    };
    if !common.json {
        say(format!("{}\n", backends.headline()));
        say(format!(
            "A real training step: {} by {}, {} tokens that count.",
            case.op,
            case.source,
            tokens(&case)
        ));
        say("Worst error / its bound, which is derived from the arithmetic and not chosen:\n");
        say(step_table(&trace));
        say("The conformance suite without its heavy cases (`bellwether verify --heavy` has them);");
        say("worst error as a fraction of its bound, at most 1:\n");
    }
    let mut report = suite(&backends.list(), |_, case| !case.heavy);
    if common.json {
        report.cases.splice(0..0, trace);
        return finish(common, report, &backends, 0);
    }
    say(suite_table(&report.cases));
    report.cases.splice(0..0, trace);
    if report.verdict() == Verdict::Agrees {
        let counts = report.counts();
        say(format!("AGREES: {} runs of cases, on {} backends\n", counts.agrees, backends.list().len()));
        say(backends.headline());
        return status(&report, backends.missing().iter().len());
    }
    finish(common, report, &backends, 0)
}

fn tokens(case: &file::Case) -> usize {
    case.inputs.get("labels").map_or(0, |labels| labels.data.iter().filter(|label| **label >= 0.0).count())
}

/// Results down; TRL's own numbers, the CPU and the worst of the GPU's modes across.
fn step_table(reports: &[CaseReport]) -> String {
    let head = format!("{:<20}{:<24}{:<24}{}\n", "", "TRL's own numbers", "cpu f32", "gpu, worst of 4 modes");
    let row = |text: String, (title, file, backend): (&str, &str, &str)| {
        let cells = [("file", file), ("cpu", backend), ("gpu", backend)];
        let cells = cells.map(|(prefix, name)| pair_of(worst(reports, prefix, |o| o.name == name)));
        text + format!("{title:<20}{:<24}{:<24}{}", cells[0], cells[1], cells[2]).trim_end() + "\n"
    };
    ROWS.into_iter().fold(head, row)
}

/// Operators down, backends across.
fn suite_table(reports: &[CaseReport]) -> String {
    let mut operators: Vec<&str> = reports.iter().map(|r| r.op.as_str()).collect();
    operators.dedup();
    let head = format!("{:<24}{:>6}{:>12}{:>26}\n", "operator", "cases", "cpu f32", "gpu, worst of 4 modes");
    let row = |text: String, op: &str| {
        let of_op: Vec<CaseReport> = reports.iter().filter(|r| r.op == op).cloned().collect();
        let [cpu, gpu] = ["cpu", "gpu"].map(|prefix| fraction_of(worst(&of_op, prefix, |_| true)));
        let names: std::collections::HashSet<&str> = of_op.iter().map(|r| r.id.as_str()).collect();
        text + &format!("{op:<24}{:>6}{cpu:>12}{gpu:>26}\n", names.len())
    };
    operators.into_iter().fold(head, row)
}

/// The output nearest to its bound, or farthest beyond it, on backends whose name begins so.
fn worst(
    reports: &[CaseReport],
    prefix: &str,
    wanted: impl Fn(&OutputReport) -> bool,
) -> Option<OutputReport> {
    let outputs = reports.iter().filter(|r| r.backend.starts_with(prefix)).flat_map(|r| &r.outputs);
    outputs.filter(|o| wanted(o)).max_by(|a, b| a.ratio().total_cmp(&b.ratio())).cloned()
}

fn pair_of(output: Option<OutputReport>) -> String {
    output.map_or_else(String::new, |o| {
        format!("{:.1e} / {:.1e}{}", o.worst, o.bound, if o.holds() { "" } else { "  DISAGREES" })
    })
}

fn fraction_of(output: Option<OutputReport>) -> String {
    output.map_or_else(|| "-".into(), |o| format!("{:.3}", o.ratio()))
}
