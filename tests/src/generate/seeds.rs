//! No seed is used twice inside a suite: numbers of one stream in two places are correlated, and a case that seems to
//! cover more covers the same again.

use std::cell::RefCell;
use std::collections::HashMap;

use bellwether_core::logprob::{SequenceMean, SequenceSum};
use serde_json::Map;

use super::{
    Case, ListCases, MapCases, PairCases, PolicyCases, all, alpha_divergence, fused_linear, js, links, lists,
    logit_pairs, maps, pair_step, policies, segment_stats, token_rows, top_rows,
};

/// Drawn again on purpose: two cases on the same numbers, of which one must give what the other gives.
const SHARED: [&str; 2] = ["three chunks", "confident label"];

thread_local! {
    static DRAWN: RefCell<Vec<(String, u64)>> = const { RefCell::new(Vec::new()) };
}

/// Called for every stream that a generator begins.
pub(super) fn note(name: &str, seed: u64) {
    DRAWN.with_borrow_mut(|drawn| drawn.push((name.to_owned(), seed)));
}

/// The seeds that were used twice while a suite was made, by the names that they were made of.
fn reused(make: impl FnOnce() -> Vec<Case>) -> Vec<String> {
    DRAWN.take();
    let cases = make();
    let drawn = DRAWN.take();
    assert!(!cases.is_empty() && !drawn.is_empty(), "nothing was made");
    let (mut first, mut again) = (HashMap::new(), Vec::new());
    for (name, seed) in drawn {
        if let Some(other) = first.insert(seed, name.clone()).filter(|_| !SHARED.contains(&name.as_str())) {
            again.push(format!("{other:?} and {name:?}"));
        }
    }
    again
}

/// A function that makes a suite's cases.
type Suite = fn() -> Vec<Case>;

#[test]
fn no_seed_is_used_twice_in_a_suite() {
    let suites: [(&str, Suite); 9] = [
        ("token rows", token_rows::cases),
        ("largest of rows", top_rows::cases),
        ("divergences", logit_pairs::kl),
        ("mixtures", js),
        ("powers", alpha_divergence),
        ("fused linear", fused_linear::cases),
        ("sums", || segment_stats::cases(SequenceSum {})),
        ("means", || segment_stats::cases(SequenceMean {})),
        ("steps", pair_step::cases),
    ];
    for (suite, make) in suites {
        assert_eq!(reused(make), [""; 0], "{suite}");
    }
    for slug in links::slugs() {
        let make = || {
            let cases = links::visit(slug, Map::new(), PairCases).and_then(Result::ok);
            cases.expect("a listed link takes its defaults")
        };
        assert_eq!(reused(make), [""; 0], "{slug}");
    }
    for slug in lists::slugs() {
        let make = || {
            let cases = lists::visit(slug, Map::new(), ListCases { name: "" }).and_then(Result::ok);
            cases.expect("a listed loss takes its defaults")
        };
        assert_eq!(reused(make), [""; 0], "{slug}");
    }
    for slug in policies::slugs() {
        let make = || {
            let cases = policies::visit(slug, Map::new(), PolicyCases { name: "" }).and_then(Result::ok);
            cases.expect("a listed surrogate takes its defaults")
        };
        assert_eq!(reused(make), [""; 0], "{slug}");
    }
    for slug in maps::slugs() {
        let make = || {
            let cases = maps::visit(slug, Map::new(), MapCases).and_then(Result::ok);
            cases.expect("a listed map takes its defaults")
        };
        assert_eq!(reused(make), [""; 0], "{slug}");
    }
}

/// Every case of a suite can be run alone, so its name is its own.
#[test]
fn no_name_is_used_twice_in_a_suite() {
    for (slug, cases) in all() {
        let mut names: Vec<String> = cases.into_iter().map(|case| case.name).collect();
        names.sort_unstable();
        let double = names.windows(2).find(|pair| pair[0] == pair[1]);
        assert!(double.is_none(), "{slug}: {double:?}");
    }
}

/// The recorder sees what it is for.
#[test]
fn a_reused_seed_is_noticed() {
    let make = || {
        let _ = (super::Draw::of("a"), super::Draw::of("b"), super::Draw::of("a"));
        pair_step::cases()
    };
    assert_eq!(reused(make), ["\"a\" and \"a\""]);
}
