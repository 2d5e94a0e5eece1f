//! Proof that the suite can fail: broken kernels are caught. `cargo xtask mutants` judges all of them, this a selection.

use std::collections::BTreeSet;

use bellwether_check::mutants::{Mutant, campaign, equivalent, generic, list};

#[test]
fn every_mutant_by_hand_applies() {
    let stale: Vec<_> = list::all().into_iter().filter(|m| !m.applies()).map(|m| m.name).collect();
    assert!(stale.is_empty(), "no kernel holds the text of: {stale:#?}");
}

#[test]
fn every_equivalent_mutant_is_made() {
    let made: BTreeSet<_> = generic::all().iter().filter_map(Mutant::generic).map(|m| m.name).collect();
    let listed = equivalent::all();
    let stale: Vec<_> = listed.keys().filter(|name| !made.contains(*name)).collect();
    assert!(stale.is_empty(), "data/equivalent.txt lists what no rule makes: {stale:#?}");
}

/// Kernels all of whose mutants are noticed or listed: `cargo xtask mutants --kernel` passes on them.
const JUDGED: [&str; 1] = ["pair/"];

/// All mutants by hand, and some of those that rules make.
#[test]
fn a_selection_is_caught() {
    let Some(_) = common::context() else { return };
    let (made, listed) = (generic::all(), equivalent::all());
    let judged = made.iter().filter(|made| JUDGED.iter().any(|family| made.item.place.0.starts_with(family)));
    let selected = judged.step_by(12).filter(|made| !equivalent::is_listed(&listed, &made.name));
    let selected = selected.filter_map(Mutant::generic);
    let mutants: Vec<_> = list::all().into_iter().map(Mutant::from).chain(selected).collect();
    let killers = campaign::run(&mutants, 1, |_, _| {}).expect("there is a device");
    let survivors = mutants.iter().zip(&killers).filter(|(_, killers)| killers.is_empty());
    let survivors: Vec<_> = survivors.map(|(mutant, _)| &mutant.name).collect();
    assert!(survivors.is_empty(), "the suite does not notice: {survivors:#?}");
    println!("{} mutants, all caught", mutants.len());
}

#[path = "common/gpu.rs"]
mod common;
