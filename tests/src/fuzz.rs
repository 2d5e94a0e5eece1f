//! What must hold whatever the input is: no panic, a result or a typed error, and on an error outputs as they were.
//!
//! Each target takes bytes, draws arguments from them, and panics where the promise is broken. The same targets run
//! on random bytes with the other tests and under libFuzzer (`cargo xtask fuzz`).

mod cases;
mod distillation;
mod draw;
mod drivers;
mod lists;
mod policies;
mod scans;
mod shapes;
mod step;

use bellwether_core::Error;

/// A target: its name, and what runs on a fuzzer's bytes. The answer is whether anything got past every check.
pub type Target = (&'static str, fn(&[u8]) -> bool);

/// Every driver of the reference, every parser, and the shapes of the GPU host.
pub const TARGETS: [Target; 16] = [
    ("token_rows", drivers::token_rows),
    ("token_states", drivers::token_states),
    ("top_rows", drivers::top_rows),
    ("logit_pairs", drivers::logit_pairs),
    ("token_map", drivers::token_map),
    ("fused_linear", drivers::fused_linear),
    ("segment_stats", drivers::segment_stats),
    ("pair_rows", drivers::pair_rows),
    ("list_rows", lists::list_rows),
    ("reverse_scan", scans::reverse_scan),
    ("policy_rows", policies::policy_rows),
    ("step", step::step),
    ("shapes", shapes::shapes),
    ("files", cases::files),
    ("cases", cases::cases),
    ("dtypes", cases::dtypes),
];

/// Runs a target by name.
///
/// # Panics
/// The promise is broken, or there is no such target.
pub fn run(name: &str, data: &[u8]) -> bool {
    match TARGETS.iter().find(|(own, _)| *own == name) {
        Some((_, target)) => target(data),
        None => panic!("no target is called {name}"),
    }
}

/// What an output holds before a driver runs.
const MARK: f64 = 12345.678;

/// Runs a driver on marked outputs: an error leaves every mark, a result none. Whether there was a result.
fn all_or_nothing<const N: usize>(
    sizes: [usize; N],
    driver: impl FnOnce([&mut [f64]; N]) -> Result<(), Error>,
) -> bool {
    let mut outputs = sizes.map(|size| vec![MARK; size]);
    let done = driver(outputs.each_mut().map(Vec::as_mut_slice));
    let mut marked = outputs.iter().flatten().map(|x| x.to_bits() == MARK.to_bits());
    match done {
        Ok(()) => assert!(!marked.any(|marked| marked), "an output was left out"),
        Err(why) => assert!(marked.all(|marked| marked), "refused, but an output was written: {why}"),
    }
    done.is_ok()
}
