//! `cargo xtask test`: a Vulkan device, then every test.

use std::process::{ExitCode, ExitStatus};

use crate::driver::{Decision, Manager, decide};
use crate::probe;
use crate::shell::{Result, cargo, output, root, typed};

/// The variable that turns a missing adapter into a failure.
const REQUIRE: &str = "BELLWETHER_REQUIRE_GPU";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave the machine as it is: without a Vulkan device, GPU tests are skipped and the last line says so.
    #[arg(long)]
    no_install: bool,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    plan: bool,
    /// For the test programs: a filter, `--nocapture`, `--test-threads=1` …
    #[arg(last = true)]
    libtest: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let mut decision = decide(&probe::facts(), args.no_install);
    if let Decision::Install(manager) = decision {
        let verb = if args.plan { "would install" } else { "installing" };
        println!("No Vulkan device found: {verb} Mesa's software driver ({})", manager.line());
        if !args.plan {
            decision = install(manager);
        }
    }
    let mut tests = cargo(["test", "--workspace"]);
    if root().join("Cargo.lock").exists() {
        tests.arg("--locked");
    }
    if !args.libtest.is_empty() {
        tests.arg("--").args(&args.libtest);
    }
    match &decision {
        Decision::Ready(which) => println!("Vulkan device: {which}"),
        Decision::Without(advice) => println!("No Vulkan device found. To have one: {advice}"),
        Decision::Install(_) => {}
    }
    if !matches!(decision, Decision::Without(_)) {
        tests.env(REQUIRE, "1");
    }
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        // Else libwayland, which Mesa's device layer opens, prints an error per device.
        tests.env("XDG_RUNTIME_DIR", std::env::temp_dir());
    }
    if args.plan {
        println!("{}", typed(&tests));
        return Ok(ExitCode::SUCCESS);
    }
    let status = tests.status().map_err(|why| format!("`{}` cannot be started: {why}", typed(&tests)))?;
    let status = if status.success() { threads()? } else { status };
    if let (Decision::Without(advice), None) = (&decision, std::env::var_os(REQUIRE)) {
        println!("GPU tests were SKIPPED: no Vulkan device. To have one: {advice}");
    }
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The reference once more with its rows on many threads: the workspace's tests run it without.
fn threads() -> Result<ExitStatus> {
    let mut tests =
        cargo(["test", "--package", "bellwether-cpu-ref", "--features", "rayon", "--test", "threads"]);
    tests.status().map_err(|why| format!("`{}` cannot be started: {why}", typed(&tests)))
}

/// Installs, and looks again.
fn install(manager: &'static Manager) -> Decision {
    let steps = [manager.refresh.to_vec(), [manager.install, manager.packages].concat()];
    let mut failure = None;
    for step in steps.iter().filter(|step| !step.is_empty()) {
        // A list that cannot be refreshed may still hold the packages: the last step decides.
        failure = output(probe::as_root(manager, step)).err();
    }
    if let Some(why) = failure {
        println!("{why}");
    }
    match decide(&probe::facts(), true) {
        Decision::Without(_) => {
            let tried = manager.line();
            Decision::Without(format!(
                "`{tried}` did not bring one; install Mesa's lavapipe and the Vulkan loader by hand"
            ))
        }
        ready => ready,
    }
}
