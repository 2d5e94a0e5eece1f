//! Proof that the suite can fail: broken kernels are caught. `cargo xtask mutants` judges all of them, this a selection.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use bellwether_check::mutants::generic::{self, Generic};
use bellwether_check::mutants::{Mutant, campaign, equivalent, is_judged, list, record};

/// What the rules make, once for all tests.
static MADE: LazyLock<Vec<Generic>> = LazyLock::new(generic::all);

/// Of so many mutants that rules make, one is judged here.
const STEP: usize = 12;
/// Of so many mutants by hand, one is.
const BY_HAND: usize = 4;

#[test]
fn every_mutant_by_hand_applies() {
    let stale: Vec<_> = list::all().into_iter().filter(|m| !m.applies()).map(|m| m.name).collect();
    assert!(stale.is_empty(), "no kernel holds the text of: {stale:#?}");
}

#[test]
fn every_equivalent_mutant_is_made() {
    let made: BTreeSet<_> = MADE.iter().filter_map(Mutant::generic).map(|m| m.name).collect();
    let listed = equivalent::all();
    let stale: Vec<_> = listed.keys().filter(|name| !made.contains(*name)).collect();
    assert!(stale.is_empty(), "data/equivalent.txt lists what no rule makes: {stale:#?}");
}

/// The page counts what the rules make of the texts as they stand: a kernel has changed since it was judged otherwise.
#[test]
#[ignore = "docs/mutants.md is not written yet: `cargo xtask mutants` writes it"]
fn the_page_is_of_these_kernels() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/mutants.md");
    let page = std::fs::read_to_string(path).expect("docs/mutants.md is in the repository");
    let rows = record::rows_before_judging(&MADE);
    let stale: Vec<_> = rows
        .iter()
        .filter(|(kernel, row)| {
            let mut lines = page.lines().filter(|line| line.starts_with(row.as_str()));
            // A kernel that is not judged has no more columns.
            lines.next().is_none_or(|line| is_judged(kernel) == (line == row))
        })
        .collect();
    assert!(stale.is_empty(), "docs/mutants.md (`cargo xtask mutants` writes it) is not of: {stale:#?}");
}

/// Some of the mutants by hand, and of those that rules make.
#[test]
fn a_selection_is_caught() {
    let Some(_) = common::context() else { return };
    let listed = equivalent::all();
    let judged = MADE.iter().filter(|made| is_judged(&made.item.place.0));
    let selected = judged.step_by(STEP).filter(|made| !equivalent::is_listed(&listed, &made.name));
    let selected = selected.filter_map(Mutant::generic);
    let mutants: Vec<_> =
        list::all().into_iter().step_by(BY_HAND).map(Mutant::from).chain(selected).collect();
    let killers = campaign::run(&mutants, 1, |_, _| {}).expect("there is a device");
    let survivors = mutants.iter().zip(&killers).filter(|(_, killers)| killers.is_empty());
    let survivors: Vec<_> = survivors.map(|(mutant, _)| &mutant.name).collect();
    assert!(survivors.is_empty(), "the suite does not notice: {survivors:#?}");
    println!("{} mutants, all caught", mutants.len());
}

#[path = "common/gpu.rs"]
mod common;
