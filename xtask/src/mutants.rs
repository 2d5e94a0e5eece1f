//! `cargo xtask mutants`: every deliberately broken kernel against every case.

use std::process::ExitCode;

use crate::shell::{Result, cargo, run as shell};

#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args) -> Result<ExitCode> {
    let mut all = cargo(["test", "--release", "--package", "bellwether-check", "--test", "mutants"]);
    all.args(["--", "--include-ignored", "--nocapture", "--test-threads=1"]);
    shell(all)?;
    Ok(ExitCode::SUCCESS)
}
