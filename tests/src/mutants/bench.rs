//! Where mutants are judged: a device, and every case with its reference computed once.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bellwether_gpu::{Context, Dialect, Error};

use super::{Mutant, sweeps};
use crate::generate::{self, Case, STEP};
use crate::judge::{judge, verdict};
use crate::problem::{Backend, Judged, Outputs, Precision, RunError};
use crate::properties;
use crate::report::Verdict;
use crate::rig::{Mode, Rig};

/// A device and the cases of every operator.
pub struct Bench {
    context: Rc<Context>,
    default: Rig,
    hostile: Rig,
    suites: BTreeMap<&'static str, Vec<Prepared>>,
}

impl Bench {
    /// Prepares the cases of the operators that judge some mutants, the quickest first.
    ///
    /// # Panics
    /// When the kernels fail a case as they stand: then nothing can be said about mutants.
    pub fn new(context: &Rc<Context>, mutants: &[Mutant]) -> Self {
        let [default, hostile] = [(Dialect::EXCLUSIVE, Mode::Default), (Dialect::POOLED, Mode::Hostile)]
            .map(|(dialect, mode)| Rig::new(context, dialect, mode));
        let needed = |op: &str| op == STEP || mutants.iter().any(|mutant| mutant.judges.contains(&op));
        let prepare = |(op, cases): (&'static str, _)| {
            let mut cases = Prepared::all(cases);
            cases.iter_mut().for_each(|case| case.time(&default));
            cases.sort_by_key(|case| case.time);
            (op, cases)
        };
        let suites = generate::all().into_iter().filter(|(op, _)| needed(op)).map(prepare).collect();
        Self { context: Rc::clone(context), default, hostile, suites }
    }

    /// Whether a mutant has cost the device.
    pub fn is_lost(&self) -> bool {
        self.context.lost().is_some()
    }

    /// Who notices a mutant, up to `limit` of them: sweeps and cases; where none does, the same in the pooled dialect
    /// without a safety net; then properties.
    pub fn killers(&self, mutant: &Mutant, limit: usize) -> Vec<String> {
        let library = mutant.item.as_ref().filter(|item| item.is_library());
        let swept = library.into_iter().flat_map(|item| sweeps::noticing(&self.context, item, mutant.edit));
        let default = self.default.with_edit(mutant.edit);
        let mut found: Vec<_> =
            swept.chain(self.cases(mutant, &default, library.is_none())).take(limit).collect();
        // The library touches no memory, so a rig with other memory has nothing to say about it.
        if found.is_empty() && library.is_none() {
            let hostile = self.hostile.with_edit(mutant.edit);
            found.extend(self.cases(mutant, &hostile, false).take(limit));
        }
        if found.is_empty() { broken_properties(mutant, &default).take(limit).collect() } else { found }
    }

    /// The cases that notice on a rig, operator after operator, whole steps last; all of them or the quick ones.
    fn cases(&self, mutant: &Mutant, rig: &Rig, all: bool) -> impl Iterator<Item = String> {
        let steps = mutant.item.iter().filter(|item| !item.ops.is_empty()).map(|_| &STEP);
        let worthwhile = move |case: &&Prepared| all || case.time < SLOW;
        let judges = mutant.judges.iter().chain(steps);
        let cases =
            judges.flat_map(move |op| self.suites[op].iter().filter(worthwhile).map(move |case| (op, case)));
        cases.filter(|(_, case)| case.notices(rig)).map(|(op, case)| format!("{op}: {}", case.case.name))
    }
}

/// Cases that take longer are large: they are run where size can matter, once.
const SLOW: Duration = Duration::from_millis(500);

fn broken_properties(mutant: &Mutant, rig: &Rig) -> impl Iterator<Item = String> {
    let lists = properties::LIST.iter().filter(|(op, _)| mutant.judges.contains(op));
    let all = lists.flat_map(|(op, list)| list.iter().map(move |property| (op, property)));
    let broken = all.filter(|(_, (_, check))| check(Backend::Gpu(rig)).is_err());
    broken.map(|(op, (name, _))| format!("{op}: property {name}"))
}

/// A case with its reference computed.
pub struct Prepared {
    case: Case,
    reference: Outputs<Judged>,
    time: Duration,
}

impl Prepared {
    /// Computes the reference of each case that is not heavy.
    fn all(cases: Vec<Case>) -> Vec<Self> {
        let prepare = |case: Case| {
            let reference =
                case.problem.reference(Precision::Wgsl).expect("generated cases have a reference");
            Self { case, reference, time: Duration::ZERO }
        };
        cases.into_iter().filter(|case| !case.heavy).map(prepare).collect()
    }

    /// Notes how long the case takes, once its kernels are compiled.
    fn time(&mut self, rig: &Rig) {
        assert!(!self.notices(rig), "{} fails without any mutant", self.case.name);
        let start = Instant::now();
        self.notices(rig);
        self.time = start.elapsed();
    }

    /// Whether a rig's results fail this case.
    fn notices(&self, rig: &Rig) -> bool {
        match self.case.problem.run(Backend::Gpu(rig)) {
            Ok(got) => verdict(&judge(&self.reference, &got)) == Verdict::Disagrees,
            Err(
                RunError::Overwrote { .. }
                | RunError::Unwritten { .. }
                | RunError::Gpu(Error::DeviceLost { .. }),
            ) => true,
            // A text that does not compile is no mutant: it proves nothing about the cases.
            Err(_) => false,
        }
    }
}
