//! The fuzz targets on random bytes, and on what once broke a promise: `cargo xtask fuzz` runs the same under libFuzzer.

use std::cell::Cell;
use std::fs;
use std::path::Path;

use bellwether_check::fuzz::{TARGETS, run};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};

/// Runs a target on so many inputs; what is drawn must often pass and often be refused, else nothing is tested.
fn holds(name: &str, cases: u32) {
    let (passed, refused) = (Cell::new(0), Cell::new(0));
    let bytes = prop::collection::vec(any::<u8>(), 0..1500);
    let outcome = TestRunner::new(Config::with_cases(cases)).run(&bytes, |bytes| {
        let count = if run(name, &bytes) { &passed } else { &refused };
        count.set(count.get() + 1);
        Ok(())
    });
    if let Err(TestError::Fail(why, bytes)) = outcome {
        panic!("{name}: {why} on {bytes:?}");
    }
    println!("{name}: {} results, {} refusals", passed.get(), refused.get());
    assert!(passed.get() > cases / 50 && refused.get() > cases / 50, "{name} is no test of both outcomes");
}

#[test]
fn token_rows_takes_anything() {
    holds("token_rows", 3000);
}

#[test]
fn shards_of_a_vocabulary_take_anything() {
    holds("token_states", 3000);
}

#[test]
fn top_rows_takes_anything() {
    holds("top_rows", 3000);
}

#[test]
fn logit_pairs_takes_anything() {
    holds("logit_pairs", 3000);
}

#[test]
fn token_map_takes_anything() {
    holds("token_map", 3000);
}

#[test]
fn fused_linear_takes_anything() {
    holds("fused_linear", 3000);
}

#[test]
fn segment_stats_takes_anything() {
    holds("segment_stats", 3000);
}

#[test]
fn pair_rows_takes_anything() {
    holds("pair_rows", 3000);
}

#[test]
fn reverse_scan_takes_anything() {
    holds("reverse_scan", 3000);
}

#[test]
fn list_rows_takes_anything() {
    holds("list_rows", 3000);
}

#[test]
fn policy_rows_takes_anything() {
    holds("policy_rows", 3000);
}

#[test]
fn a_step_takes_anything() {
    holds("step", 3000);
}

#[test]
fn shapes_of_the_gpu_host_take_anything() {
    holds("shapes", 3000);
}

#[test]
fn cases_of_files_are_judged_or_refused() {
    holds("cases", 3000);
}

#[test]
fn elements_keep_their_bits() {
    holds("dtypes", 3000);
}

/// Every target has a program in `fuzz/`, and every program a target.
#[test]
fn libfuzzer_runs_every_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("fuzz/Cargo.toml");
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is not in fuzz/Cargo.toml");
        let text =
            fs::read_to_string(folder.join(format!("fuzz_targets/{name}.rs"))).expect("a target's text");
        assert!(text.contains(&format!("run(\"{name}\"")), "{name}.rs runs another target");
    }
    assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
}

/// The seeds of every target, which hold what once broke it.
#[test]
fn seeds_hold() {
    for (name, _) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(name);
        for entry in folder.read_dir().into_iter().flatten() {
            let path = entry.expect("an entry of the folder").path();
            run(name, &fs::read(&path).expect("a seed"));
        }
    }
}
