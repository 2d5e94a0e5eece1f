//! The `bellwether` command: judges kernels and files against the verified reference.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
