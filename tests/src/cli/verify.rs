//! `bellwether verify`.

use std::process::ExitCode;

use bellwether_check::check::verify;
use bellwether_check::generate;
use bellwether_check::problem::Backend;
use bellwether_check::report::Report;
use indicatif::{ProgressBar, ProgressStyle};

use super::backends::Backends;
use super::{Common, Which, fail, finish, matches, say};

/// Which cases.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// Operators, by name with `*`.
    pub(super) op: &'a str,
    /// Cases, by name with `*`.
    pub(super) case: &'a str,
    /// Also those that need gigabytes.
    pub(super) heavy: bool,
}

pub(super) fn run(common: &Common, wanted: Wanted<'_>, through: &[String]) -> ExitCode {
    let Wanted { op, case, heavy } = wanted;
    let backends = match through {
        [] => Backends::new(common),
        _ if common.backend == Which::Cpu => {
            return fail(common, "--backend cpu runs no kernel through a program");
        }
        [program, args @ ..] => match Backends::through(common, program, args) {
            Ok(backends) => backends,
            Err(error) => return fail(common, error),
        },
    };
    if !common.json {
        say(format!("{}\n", backends.headline()));
    }
    let mut report =
        suite(&backends.list(), |slug, c| matches(op, slug) && matches(case, &c.name) && (heavy || !c.heavy));
    if report.cases.is_empty() {
        report.notes.push(format!("no case matches --op {op} --case {case} on these backends"));
    }
    finish(common, report, &backends, 0)
}

/// Runs every case that is wanted on every backend.
pub(super) fn suite(backends: &[Backend<'_>], wanted: impl Fn(&str, &generate::Case) -> bool) -> Report {
    let suites = generate::all();
    let cases = suites.iter().flat_map(|(slug, cases)| cases.iter().map(move |case| (*slug, case)));
    let cases: Vec<_> = cases.filter(|(slug, case)| wanted(slug, case)).collect();
    let mut report = Report::default();
    let progress = bar(cases.len());
    for (slug, case) in cases {
        progress.set_message(format!("{slug}: {}", case.name));
        report.cases.extend(verify(slug, case, backends));
        progress.inc(1);
    }
    progress.finish_and_clear();
    report
}

/// A bar on standard error; nothing where that is no terminal.
pub(super) fn bar(steps: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{pos}/{len} {wide_bar} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(steps as u64).with_style(style)
}
