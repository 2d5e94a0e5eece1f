//! Arguments, and what every command shares: where it runs, how it prints, how it ends.

mod backends;
mod check;
mod demo;
mod devices;
mod eval;
mod ops;
mod verify;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use bellwether_check::report::Report;
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde_json::json;

use backends::Backends;

/// Judges kernels of preference losses and log-probabilities against a verified reference.
///
/// Without a command: the devices found, a real training step judged on every one of them, and a quick conformance
/// run. Exit status: 0 agrees, 1 disagrees, 2 cannot be judged (bad input included).
#[derive(Parser)]
#[command(name = "bellwether", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    common: Common,
}

/// Options of every command.
#[derive(Args, Clone)]
struct Common {
    /// Print one JSON object on standard output instead of text.
    #[arg(long, global = true)]
    json: bool,
    /// What is judged.
    #[arg(long, global = true, value_enum, default_value_t = Which::All)]
    backend: Which,
    /// The device, by number or part of its name (see `bellwether devices`).
    #[arg(long, global = true, value_name = "DEVICE")]
    device: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// The CPU in f32 only.
    Cpu,
    /// The GPU only; without one nothing can be judged.
    Gpu,
    /// Both.
    All,
}

#[derive(Subcommand)]
enum Command {
    /// Run the conformance suite on this machine's devices.
    Verify {
        /// Operators, by name with `*`.
        #[arg(long, value_name = "GLOB", default_value = "*")]
        op: String,
        /// Cases, by name with `*`.
        #[arg(long, value_name = "GLOB", default_value = "*")]
        case: String,
        /// Also the cases that need gigabytes.
        #[arg(long)]
        heavy: bool,
        /// Run the kernels with this program instead of wgpu (the protocol: tests/src/rig/remote.rs).
        #[arg(last = true, value_name = "PROGRAM")]
        through: Vec<String>,
    },
    /// Judge files: their numbers against the reference, and every backend on their inputs.
    Check {
        /// Golden cases (.json), dumps (.safetensors), or folders of them.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Fill in a case's outputs and gradients from the reference.
    Eval {
        /// A case (.json) or a dump (.safetensors).
        file: PathBuf,
        /// Where to write it; the ending chooses the format.
        #[arg(short, long, value_name = "OUT")]
        output: PathBuf,
        /// Overwrite OUT.
        #[arg(long)]
        force: bool,
    },
    /// The catalogue of operators, or the page of one.
    Ops {
        /// An operator or a named method.
        name: Option<String>,
    },
    /// The devices that can be judged.
    Devices,
}

/// Parses the arguments and runs the command.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    let common = &cli.common;
    match cli.command {
        None => demo::run(common),
        Some(Command::Verify { op, case, heavy, through }) => {
            verify::run(common, verify::Wanted { op: &op, case: &case, heavy }, &through)
        }
        Some(Command::Check { files }) => check::run(common, &files),
        Some(Command::Eval { file, output, force }) => eval::run(common, &file, &output, force),
        Some(Command::Ops { name }) => ops::run(common, name.as_deref()),
        Some(Command::Devices) => devices::run(common),
    }
}

/// Prints to standard output; a reader that has gone away is no error of ours.
fn say(text: impl std::fmt::Display) {
    let _gone = writeln!(std::io::stdout(), "{text}");
}

/// Prints one line to standard error.
fn complain(text: impl std::fmt::Display) {
    let _gone = writeln!(std::io::stderr(), "error: {text}");
}

/// What is left of a command that an error ended.
fn fail(common: &Common, error: impl std::fmt::Display) -> ExitCode {
    if common.json {
        say(json!({"error": error.to_string()}));
    }
    complain(error);
    ExitCode::from(2)
}

/// Prints a report, with the device in its last line, and ends with its status.
fn finish(common: &Common, mut report: Report, backends: &Backends, errors: usize) -> ExitCode {
    if common.json {
        report.notes.push(backends.headline());
        say(report.to_json());
    } else {
        say(format!("{}{}", report.to_text(), backends.headline()));
    }
    backends.missing().iter().for_each(complain);
    status(&report, errors + backends.missing().iter().len())
}

/// 1 when anything disagrees; else 2 when an input was bad or nothing could be judged; else 0.
fn status(report: &Report, errors: usize) -> ExitCode {
    match report.exit_code() {
        0 if errors > 0 => ExitCode::from(2),
        code => ExitCode::from(code),
    }
}

/// Whether `text` matches a pattern in which `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(head) else { return false };
    (0..=text.len()).filter(|&i| text.is_char_boundary(i)).any(|i| matches(rest, &text[i..]))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn globs() {
        assert!(
            matches("*", "pair/square")
                && matches("pair/*", "pair/square")
                && matches("*s*re", "pair/square")
        );
        assert!(!matches("pair/", "pair/square") && !matches("*x", "pair/square"));
    }
}
