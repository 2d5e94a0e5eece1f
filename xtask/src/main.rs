//! Bellwether's chores: `cargo xtask test | ci | docs | new-op | mutants | stacks | miri | fuzz | prove`.
//!
//! Every command runs on any machine with a Rust toolchain; what else one needs, it installs or names.
#![forbid(unsafe_code)]

mod ci;
mod docs;
mod driver;
mod keywords;
mod mutants;
mod new_op;
mod nightly;
mod probe;
mod prove;
mod shell;
mod stacks;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "xtask", bin_name = "cargo xtask", about = "Bellwether's chores")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Make sure that a Vulkan device exists, then run every test.
    Test(test::Args),
    /// Format, lints, documentation, bare-metal and wasm builds, every feature on its own.
    Ci(ci::Args),
    /// Write docs/ops.md, docs/papers.md and docs/numerics.md from the registry and the table of functions.
    Docs(docs::Args),
    /// Lay out the files of a new operator.
    NewOp(new_op::Args),
    /// Break the kernels in every way that the rules know, say what nobody notices, and write docs/mutants.md.
    Mutants(mutants::Args),
    /// Run the suite on other GPU stacks: SwiftShader, Dawn with Tint, the Vulkan validation layer.
    Stacks(stacks::Args),
    /// Run the index code of the reference under Miri, which sees every access out of place.
    Miri(nightly::MiriArgs),
    /// Run the parsers and drivers on a fuzzer's bytes.
    Fuzz(nightly::FuzzArgs),
    /// Hold the elementary functions to the truth at every f32: about two minutes per function and core.
    Prove(prove::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().chore {
        Chore::Test(args) => test::run(&args),
        Chore::Ci(args) => ci::run(&args),
        Chore::Docs(args) => docs::run(&args),
        Chore::NewOp(args) => new_op::run(&args),
        Chore::Mutants(args) => mutants::run(&args),
        Chore::Stacks(args) => stacks::run(&args),
        Chore::Miri(args) => nightly::miri(&args),
        Chore::Fuzz(args) => nightly::fuzz(&args),
        Chore::Prove(args) => prove::run(&args),
    };
    done.unwrap_or_else(|why| {
        eprintln!("{why}");
        ExitCode::FAILURE
    })
}
