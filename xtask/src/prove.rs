//! `cargo xtask prove`: the elementary functions over every f32.

use std::process::ExitCode;

use crate::shell::{Result, cargo, run as shell};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// One function of docs/numerics.md; all where none is named.
    function: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let known = bellwether_core::math::TABLE.iter().map(|row| row.name);
    if let Some(name) = args.function.as_deref().filter(|name| known.clone().all(|known| known != *name)) {
        let known: Vec<_> = known.collect();
        return Err(format!("no function is called {name}; there are {}", known.join(", ")));
    }
    let mut sweep = cargo(["test", "--release", "--package", "bellwether-check", "--test", "functions"]);
    sweep.args(["--", "--ignored", "--nocapture", "every_f32"]);
    if let Some(name) = &args.function {
        sweep.env("BELLWETHER_FUNCTION", name);
    }
    shell(sweep)?;
    Ok(ExitCode::SUCCESS)
}
