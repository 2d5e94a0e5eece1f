//! `cargo xtask mutants`: every deliberately broken kernel against every case.

use std::process::ExitCode;

use crate::shell::{Result, cargo, run as shell};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only kernels whose name holds this: `pair/nca`, `backward`, `lib`.
    #[arg(long)]
    kernel: Option<String>,
    /// Only mutants of this rule.
    #[arg(long)]
    rule: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let mut all = cargo(["run", "--release", "--package", "bellwether-check", "--bin", "mutants", "--"]);
    for (name, value) in [("--kernel", &args.kernel), ("--rule", &args.rule)] {
        all.args(value.iter().flat_map(|value| [name, value.as_str()]));
    }
    if args.kernel.is_none() && args.rule.is_none() {
        all.args(["--page", "docs/mutants.md"]);
    }
    shell(all)?;
    Ok(ExitCode::SUCCESS)
}
