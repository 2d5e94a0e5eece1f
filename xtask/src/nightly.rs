//! What needs nightly Rust: `cargo xtask miri` and `cargo xtask fuzz`. Where it is missing, both say how to get it.

use std::process::ExitCode;

use crate::shell::{Result, command, output, root, run as shell};

#[derive(clap::Args)]
pub(crate) struct MiriArgs {
    /// Also as on a machine that stores the high byte first.
    #[arg(long)]
    big_endian: bool,
}

#[derive(clap::Args)]
pub(crate) struct FuzzArgs {
    /// One target of `fuzz/Cargo.toml`; all where none is named.
    target: Option<String>,
    /// For how long each target runs.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

/// Whether a tool answers; says what to do where it does not. A missing tool is no failure, but it is said aloud.
fn have(what: &str, args: &[&str], advice: &str) -> bool {
    let there = output(command("cargo", args.iter().copied())).is_ok();
    if !there {
        println!("{what} SKIPPED: `cargo {}` does not run. To have it: {advice}", args.join(" "));
    }
    there
}

/// The index code of core and cpu-ref under Miri, with the feature `rayon` and without.
pub(crate) fn miri(args: &MiriArgs) -> Result<ExitCode> {
    let advice = "rustup toolchain install nightly --component miri,rust-src";
    if !have("Miri", &["+nightly", "miri", "--version"], advice) {
        return Ok(ExitCode::SUCCESS);
    }
    const CORE: &[&str] = &["-p", "bellwether-core", "-p", "bellwether-cpu-ref"];
    const RAYON: &[&str] = &["-p", "bellwether-cpu-ref", "--features", "rayon", "--test", "threads"];
    const BIG_ENDIAN: &[&str] = &["--target", "s390x-unknown-linux-gnu"];
    // Rayon's queues (crossbeam) turn integers into pointers, break Stacked Borrows, and its threads outlive a test.
    const OF_RAYON: &str = "-Zmiri-permissive-provenance -Zmiri-tree-borrows -Zmiri-ignore-leaks";
    let mut runs = vec![("-Zmiri-strict-provenance", CORE.to_vec()), (OF_RAYON, RAYON.to_vec())];
    if args.big_endian {
        runs.push(("-Zmiri-strict-provenance", [CORE, BIG_ENDIAN].concat()));
    }
    for (flags, scope) in runs {
        let mut tests = command("cargo", ["+nightly", "miri", "test", "--locked"].into_iter().chain(scope));
        tests.env("MIRIFLAGS", flags);
        shell(tests)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The targets that the manifest of `fuzz/` names.
fn targets(manifest: &str) -> Vec<&str> {
    let bins = manifest.split("[[bin]]").skip(1);
    bins.filter_map(|bin| bin.split_once("name = \"")?.1.split_once('"')).map(|(name, _)| name).collect()
}

/// Runs the targets one after another from their seeds.
pub(crate) fn fuzz(args: &FuzzArgs) -> Result<ExitCode> {
    let manifest = root().join("fuzz/Cargo.toml");
    let manifest =
        std::fs::read_to_string(&manifest).map_err(|why| format!("{}: {why}", manifest.display()))?;
    let known = targets(&manifest);
    let wanted = |name: &&&str| args.target.as_deref().is_none_or(|target| target == **name);
    if !known.iter().any(|name| wanted(&name)) {
        return Err(format!("no such target; there are {}", known.join(", ")));
    }
    let advice = "rustup toolchain install nightly, then cargo install cargo-fuzz";
    if !have("Fuzzing", &["+nightly", "fuzz", "--version"], advice) {
        return Ok(ExitCode::SUCCESS);
    }
    seeds()?;
    for name in known.iter().filter(wanted) {
        let (corpus, seeds) = (format!("fuzz/corpus/{name}"), format!("fuzz/seeds/{name}"));
        let folders = [corpus, seeds].map(|folder| root().join(folder));
        for folder in &folders {
            std::fs::create_dir_all(folder).map_err(|why| format!("{}: {why}", folder.display()))?;
        }
        let mut fuzz = command("cargo", ["+nightly", "fuzz", "run", name]);
        fuzz.args(folders).arg("--").arg(format!("-max_total_time={}", args.seconds));
        // Lengths of arrays are read from files: what is too large for a machine is told apart from what is wrong.
        fuzz.args(["-max_len=8192", "-rss_limit_mb=2048", "-timeout=20"]);
        shell(fuzz)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Every golden case as a file of its own: seeds of the parser.
fn seeds() -> Result {
    let failed = |why: &dyn std::fmt::Display| format!("seeds of the target `files`: {why}");
    let golden = std::fs::read(root().join("tests/data/golden.json")).map_err(|why| failed(&why))?;
    let golden: serde_json::Value = serde_json::from_slice(&golden).map_err(|why| failed(&why))?;
    let folder = root().join("fuzz/corpus/files");
    std::fs::create_dir_all(&folder).map_err(|why| failed(&why))?;
    for (i, case) in golden["cases"].as_array().into_iter().flatten().enumerate() {
        std::fs::write(folder.join(format!("golden-{i}.json")), case.to_string())
            .map_err(|why| failed(&why))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_names_the_targets() {
        let manifest =
            "[package]\nname = \"no\"\n[[bin]]\nname = \"a\"\npath = \"x\"\n\n[[bin]]\nname = \"b\"\n";
        assert_eq!(targets(manifest), ["a", "b"]);
        let own = std::fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
        assert!(targets(&own).len() > 5);
    }

    #[test]
    fn an_unknown_target_is_an_error_that_lists_the_known() {
        let why = fuzz(&FuzzArgs { target: Some("no".into()), seconds: 1 }).unwrap_err();
        assert!(why.contains("token_rows"), "{why}");
    }
}
