//! Proof that the suite can fail: every deliberately broken kernel is caught.

use std::collections::HashMap;

use bellwether_check::generate;
use bellwether_check::mutants::{self, Prepared};
use bellwether_check::rig::{Mode, Rig};
use bellwether_gpu::Dialect;

#[test]
fn every_mutant_applies() {
    let stale: Vec<_> = mutants::all().into_iter().filter(|m| !m.applies()).map(|m| m.name).collect();
    assert!(stale.is_empty(), "no kernel holds the text of: {stale:#?}");
}

#[test]
fn every_mutant_is_caught() {
    let Some(context) = common::context() else { return };
    let rigs = [(Dialect::EXCLUSIVE, Mode::Default), (Dialect::POOLED, Mode::Hostile)];
    let rigs = rigs.map(|(dialect, mode)| Rig::new(&context, dialect, mode));
    let suites: HashMap<_, _> = generate::all().into_iter().map(|(op, c)| (op, Prepared::all(c))).collect();
    let mut survivors = Vec::new();
    let mutants = mutants::all();
    for mutant in &mutants {
        let cases = &suites[mutant.op];
        match rigs.iter().find_map(|rig| mutant.killers(rig, cases).next()) {
            Some(case) => println!("{:<55} caught by {case}", mutant.name),
            None => survivors.push(mutant.name),
        }
    }
    assert!(survivors.is_empty(), "the suite does not notice: {survivors:#?}");
    println!("{} mutants, all caught", mutants.len());
}

/// Which cases are the only ones to notice a mutant: those may not be dropped.
#[test]
#[ignore = "runs every case on every mutant; cargo xtask mutants"]
fn cases_that_earn_their_place() {
    let Some(context) = common::context() else { return };
    let rig = Rig::new(&context, Dialect::EXCLUSIVE, Mode::Default);
    let suites: HashMap<_, _> = generate::all().into_iter().map(|(op, c)| (op, Prepared::all(c))).collect();
    for mutant in mutants::all() {
        let killers: Vec<_> = mutant.killers(&rig, &suites[mutant.op]).collect();
        match killers[..] {
            [] => println!("{:<55} only in the hostile mode or the pooled dialect", mutant.name),
            [only] => println!("{:<55} ONLY {only}", mutant.name),
            [first, ..] => println!("{:<55} {} cases, {first} first", mutant.name, killers.len()),
        }
    }
}

#[path = "common/gpu.rs"]
mod common;
