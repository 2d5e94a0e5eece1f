//! `cargo xtask mutants`: every deliberately broken kernel against every case.

use std::process::ExitCode;

use crate::shell::{Result, cargo, run as shell};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only kernels whose name holds this, or one of several: `pair/nca`, `backward`, `lib`.
    #[arg(long)]
    kernel: Vec<String>,
    /// Only mutants of this rule.
    #[arg(long)]
    rule: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let mut all = cargo(["run", "--release", "--package", "bellwether-check", "--bin", "mutants", "--"]);
    all.args(args.kernel.iter().flat_map(|value| ["--kernel", value.as_str()]));
    all.args(args.rule.iter().flat_map(|value| ["--rule", value.as_str()]));
    if args.kernel.is_empty() && args.rule.is_none() {
        all.args(["--page", "docs/mutants.md"]);
    }
    shell(all)?;
    Ok(ExitCode::SUCCESS)
}
