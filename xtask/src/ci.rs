//! `cargo xtask ci`: everything that is checked besides the tests.

use std::process::ExitCode;
use std::time::Instant;

use crate::docs;
use crate::shell::{Result, cargo, command, output, run as call};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Print the steps and run none.
    #[arg(long)]
    list: bool,
    /// Run this step alone.
    #[arg(long, value_name = "NAME")]
    step: Option<String>,
}

struct Step {
    name: &'static str,
    what: &'static str,
    run: fn() -> Result,
}

/// The steps, in the order run.
const STEPS: &[Step] = &[
    Step { name: "fmt", what: "the code is formatted", run: fmt },
    Step { name: "clippy", what: "no lint fires, with all features", run: clippy },
    Step { name: "doc", what: "the documentation builds without a warning", run: doc },
    Step {
        name: "docs",
        what: "docs/ops.md and docs/papers.md say what the registry says",
        run: docs::check,
    },
    Step {
        name: "bare-metal",
        what: "core, cpu-ref and shaders without std and without an allocator",
        run: bare_metal,
    },
    Step { name: "wasm", what: "the same and gpu for browsers", run: wasm },
    Step { name: "features", what: "every feature of every library on its own", run: features },
];

/// The crates that need no operating system.
const NO_STD: [&str; 6] = ["-p", "bellwether-core", "-p", "bellwether-cpu-ref", "-p", "bellwether-shaders"];

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    if args.list {
        for step in STEPS {
            println!("{:<11} {}", step.name, step.what);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let wanted = |step: &&Step| args.step.as_deref().is_none_or(|name| name == step.name);
    if !STEPS.iter().any(|step| wanted(&step)) {
        let names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        return Err(format!("no such step; there are {}", names.join(", ")));
    }
    for step in STEPS.iter().filter(wanted) {
        println!("\n=== {}: {}", step.name, step.what);
        let start = Instant::now();
        let done = (step.run)();
        println!("=== {}: {:.1} s", step.name, start.elapsed().as_secs_f64());
        done.map_err(|why| format!("{why}\nci: step {} FAILED", step.name))?;
    }
    println!("\nci: all steps passed");
    Ok(ExitCode::SUCCESS)
}

fn fmt() -> Result {
    call(cargo(["fmt", "--all", "--check"]))
}

fn clippy() -> Result {
    let scope = ["clippy", "--workspace", "--all-targets", "--all-features", "--locked"];
    call(cargo(scope.into_iter().chain(["--", "-D", "warnings"])))
}

fn doc() -> Result {
    let mut doc = cargo(["doc", "--workspace", "--no-deps", "--all-features", "--locked"]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    call(doc)
}

fn bare_metal() -> Result {
    build_for("thumbv7em-none-eabi")
}

fn wasm() -> Result {
    const TARGET: &str = "wasm32-unknown-unknown";
    build_for(TARGET)?;
    call(cargo(["check", "--locked", "--target", TARGET, "-p", "bellwether-gpu"]))
}

fn build_for(target: &str) -> Result {
    need_target(target)?;
    let args = ["build", "--locked", "--no-default-features", "--target", target];
    call(cargo(args.into_iter().chain(NO_STD)))
}

/// Makes sure that the standard library of a target is installed.
fn need_target(target: &str) -> Result {
    let libdir = output(command("rustc", ["--print", "target-libdir", "--target", target]))?;
    if std::path::Path::new(libdir.trim()).is_dir() {
        return Ok(());
    }
    call(command("rustup", ["target", "add", target])).map_err(|why| {
        format!(
            "{why}\nRust's standard library for {target} is missing: install rustup (https://rustup.rs) \
             and run `rustup target add {target}`"
        )
    })
}

fn features() -> Result {
    let metadata = output(cargo(["metadata", "--format-version", "1", "--no-deps", "--locked"]))?;
    for (package, feature) in libraries(&metadata)? {
        let base = ["check", "--locked", "-p", &package, "--no-default-features"];
        let extra = feature.iter().flat_map(|feature| ["--features", feature]);
        call(cargo(base.into_iter().chain(extra)))?;
    }
    Ok(())
}

/// Every published library, without features and with each one alone.
fn libraries(metadata: &str) -> Result<Vec<(String, Option<String>)>> {
    let metadata: serde_json::Value =
        serde_json::from_str(metadata).map_err(|why| format!("cargo metadata: {why}"))?;
    let mut found = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        // `publish = false` is an empty list of registries.
        let published = package["publish"].as_array().is_none_or(|registries| !registries.is_empty());
        let Some(name) = package["name"].as_str().filter(|_| published) else { continue };
        found.push((name.to_owned(), None));
        let features = package["features"].as_object().into_iter().flatten().map(|(feature, _)| feature);
        found.extend(features.filter(|&it| it != "default").map(|it| (name.to_owned(), Some(it.clone()))));
    }
    if found.is_empty() { Err("cargo metadata names no published library".into()) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_have_names_of_their_own() {
        for (i, step) in STEPS.iter().enumerate() {
            assert!(STEPS[..i].iter().all(|other| other.name != step.name), "{} twice", step.name);
        }
    }

    #[test]
    fn published_libraries_are_checked_bare_and_per_feature() {
        let metadata = r#"{"packages": [
            {"name": "a", "publish": null, "features": {"default": [], "x": [], "y": ["dep:z"]}},
            {"name": "chores", "publish": [], "features": {"x": []}},
            {"name": "b", "publish": null, "features": {}}]}"#;
        let some = |feature: &str| Some(feature.to_owned());
        let want = [("a", None), ("a", some("x")), ("a", some("y")), ("b", None)];
        assert_eq!(libraries(metadata), Ok(want.map(|(name, feature)| (name.to_owned(), feature)).to_vec()));
        assert!(libraries("{}").is_err() && libraries("no").is_err(), "nothing checked is no success");
    }
}
