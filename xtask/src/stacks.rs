//! `cargo xtask stacks`: the suite on GPU stacks beside the machine's own.
//!
//! | stack | WGSL compiler | driver |
//! |---|---|---|
//! | swiftshader | naga | SwiftShader |
//! | dawn | Tint | SwiftShader, or the machine's where there is none |
//! | validation | naga | the machine's, under the Vulkan validation layer |
//!
//! What a stack needs and the machine lacks is fetched into `target/stacks`; the system stays as it is.

mod dawn;
mod fetch;
mod outcome;
mod vulkan;

use std::process::{Command, ExitCode};

use clap::ValueEnum;

use crate::shell::{Result, cargo, run as call};
use outcome::{exit, summary};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Which stacks; all where none is named.
    stacks: Vec<Stack>,
    /// A stack that cannot run here is a failure.
    #[arg(long)]
    require: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Stack {
    /// A second Vulkan driver: 256 lanes, flushes subnormals, other out-of-range rules.
    Swiftshader,
    /// A second WebGPU with a second WGSL compiler: Dawn and Tint.
    Dawn,
    /// The machine's driver under the Vulkan validation layer.
    Validation,
}

impl Stack {
    const fn name(self) -> &'static str {
        match self {
            Self::Swiftshader => "swiftshader",
            Self::Dawn => "dawn",
            Self::Validation => "validation",
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    // A build that fails is no verdict on a stack.
    call(cargo(["build", "--locked", "--package", "bellwether-check"]))?;
    let all = Stack::value_variants();
    let wanted = all.iter().filter(|stack| args.stacks.is_empty() || args.stacks.contains(stack));
    let mut outcomes = Vec::new();
    for stack in wanted {
        println!("\n=== {}", stack.name());
        let outcome = match stack {
            Stack::Swiftshader => vulkan::swiftshader(),
            Stack::Dawn => dawn::dawn(),
            Stack::Validation => vulkan::validation(),
        };
        outcomes.push((stack.name(), outcome));
    }
    println!("\n{}", summary(&outcomes));
    Ok(exit(&outcomes, args.require))
}

/// `bellwether verify` on the GPU, to be given more arguments.
fn verify() -> Command {
    cargo(["run", "--locked", "--quiet", "--package", "bellwether-check", "--", "verify", "--backend", "gpu"])
}

/// The tests that speak to a device and are not in `verify`. A missing device is a failure.
fn tests() -> Command {
    let mut tests =
        cargo(["test", "--locked", "--package", "bellwether-gpu", "--package", "bellwether-check"]);
    for name in ["functions_gpu", "bits", "random", "properties", "binding", "by_hand", "step", "tiling"] {
        tests.args(["--test", name]);
    }
    tests.env("BELLWETHER_REQUIRE_GPU", "1");
    tests
}
