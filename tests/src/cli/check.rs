//! `bellwether check`.

use std::path::PathBuf;
use std::process::ExitCode;

use bellwether_check::check::check;
use bellwether_check::file;
use bellwether_check::problem::Backend;
use bellwether_check::report::{Report, Verdict};

use super::backends::Backends;
use super::verify::bar;
use super::{Common, complain, finish, say};

pub(super) fn run(common: &Common, paths: &[PathBuf]) -> ExitCode {
    let backends = Backends::new(common);
    if !common.json {
        say(format!("{}\n", backends.headline()));
    }
    let (report, errors) = judge_all(paths, &backends.list());
    errors.iter().for_each(complain);
    finish(common, report, &backends, errors.len())
}

/// Judges every file, one at a time; what cannot be read is an error and stops nothing else.
fn judge_all(paths: &[PathBuf], backends: &[Backend<'_>]) -> (Report, Vec<String>) {
    let (mut report, mut errors) = (Report::default(), Vec::new());
    let mut files = Vec::new();
    for path in paths {
        match file::files(path) {
            Ok(found) => files.extend(found),
            Err(error) => errors.push(error.to_string()),
        }
    }
    let progress = bar(files.len());
    for path in files {
        progress.set_message(path.display().to_string());
        match file::load(&path) {
            Ok(cases) => {
                for case in cases {
                    match check(&case, backends) {
                        Ok(reports) => report.cases.extend(reports),
                        Err(error) => errors.push(error.to_string()),
                    }
                }
            }
            Err(error) => errors.push(error.to_string()),
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    if report.verdict() == Verdict::Unjudged {
        // Where nothing else is judged, an operator that nobody knows is an error and not a remark.
        let why = report.cases.iter().filter_map(|case| case.why.as_ref().map(|why| (case, why)));
        errors.extend(why.map(|(case, why)| format!("{}: {why}", case.file)));
    }
    report.notes.extend(errors.iter().map(|error| format!("error: {error}")));
    (report, errors)
}
