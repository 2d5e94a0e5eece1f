//! Where mutants are judged: a device, and every case with its reference computed once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bellwether_gpu::{Context, Dialect, Error, Source};
use bellwether_shaders::SOURCES;

use super::{Mutant, rules, sweeps};
use crate::generate::{self, Case, STEP};
use crate::judge::{judge, verdict};
use crate::problem::{Backend, Judged, Outputs, Precision, RunError};
use crate::properties;
use crate::report::Verdict;
use crate::rig::{Edit, Mode, Ran, Rig};

/// A device and the cases of every operator.
pub struct Bench {
    context: Rc<Context>,
    default: Rig,
    hostile: Rig,
    tight: Rig,
    suites: BTreeMap<&'static str, Vec<Prepared>>,
    /// Cases of much memory or time, for what nothing else notices.
    heavy: Vec<(&'static str, Prepared)>,
    /// The cases that noticed something last, by operator and place in its suite: they often notice the next as well.
    recent: RefCell<Vec<(&'static str, usize)>>,
}

impl Bench {
    /// Prepares the cases of the operators that judge some mutants, the quickest first.
    ///
    /// # Errors
    /// There is no device.
    ///
    /// # Panics
    /// When the kernels fail a case as they stand: then nothing can be said about mutants.
    pub fn new(mutants: &[Mutant]) -> Result<Self, Error> {
        let (context, tight) = (Rc::new(Context::blocking()?), Rig::tight()?);
        let [default, hostile] = [(Dialect::EXCLUSIVE, Mode::Default), (Dialect::POOLED, Mode::Hostile)]
            .map(|(dialect, mode)| Rig::new(&context, dialect, mode));
        let needed = |op: &str| op == STEP || mutants.iter().any(|mutant| mutant.judges.contains(&op));
        let (mut suites, mut heavy) = (BTreeMap::new(), Vec::new());
        for (op, cases) in generate::all().into_iter().filter(|(op, _)| needed(op)) {
            let (large, small): (Vec<_>, Vec<_>) =
                cases.into_iter().map(Prepared::new).partition(|one| one.case.heavy);
            heavy.extend(large.into_iter().map(|case| (op, case)));
            let mut small = small;
            small.iter_mut().for_each(|case| case.time(&default, &tight));
            small.sort_by_key(|case| case.time);
            suites.insert(op, small);
        }
        Ok(Self { context, default, hostile, tight, suites, heavy, recent: RefCell::default() })
    }

    /// Whether a mutant has cost the device.
    pub fn is_lost(&self) -> bool {
        self.context.lost().is_some() || self.tight.is_lost()
    }

    /// Who notices a mutant, up to `limit` of them: sweeps and cases; where none does, the same in the pooled dialect
    /// without a safety net; then heavy cases where only size can tell, and properties.
    pub fn killers(&self, mutant: &Mutant, limit: usize) -> Vec<String> {
        let library = mutant.item.as_ref().filter(|item| item.is_library());
        let swept = library.into_iter().flat_map(|item| sweeps::noticing(&self.context, item, mutant.edit));
        let default = self.default.with_edit(mutant.edit);
        let mut found: Vec<_> = swept
            .chain(self.cases(mutant, &default, |case| library.is_none() || case.is_quick()))
            .take(limit)
            .collect();
        // The library touches no memory, so a rig with other memory has nothing to say about it.
        if found.is_empty() && library.is_none() {
            let hostile = self.hostile.with_edit(mutant.edit);
            found.extend(self.cases(mutant, &hostile, Prepared::is_quick).take(limit));
        }
        if found.is_empty() && library.is_none() {
            let tight = self.tight.with_edit(mutant.edit);
            found.extend(self.cases(mutant, &tight, |case| case.case.tight).take(limit));
        }
        if found.is_empty() && mutant.rule == rules::SIZE {
            default.focus(None);
            let mine = self.heavy.iter().filter(|(op, _)| mutant.judges.contains(op));
            let noticing = mine.filter(|(_, case)| case.notices(&default));
            found.extend(noticing.map(|(op, case)| format!("{op}: {}", case.case.name)).take(limit));
        }
        if found.is_empty() { broken_properties(mutant, &default).take(limit).collect() } else { found }
    }

    /// The cases of a kind that notice on a rig, operator after operator, whole steps last.
    fn cases(
        &self,
        mutant: &Mutant,
        rig: &Rig,
        is_one: impl Fn(&Prepared) -> bool,
    ) -> impl Iterator<Item = String> {
        let edit = mutant.edit;
        let steps = mutant.item.iter().filter(|item| !item.ops.is_empty()).map(|_| STEP);
        let judges = mutant.judges.iter().copied().chain(steps);
        let all: Vec<_> =
            judges.flat_map(|op| (0..self.suites[op].len()).map(move |place| (op, place))).collect();
        let (mut order, recent) = (self.recent.borrow().clone(), self.recent.borrow().clone());
        order.retain(|case| all.contains(case));
        order.extend(all.into_iter().filter(|case| !recent.contains(case)));
        let notices = move |&(op, place): &(&'static str, usize)| {
            let case = &self.suites[op][place];
            is_one(case) && case.holds(edit) && {
                rig.focus(Some(&case.ran));
                case.notices(rig)
            }
        };
        order.into_iter().filter(notices).map(|place| self.remember(place))
    }

    /// Notes that this case noticed something, and gives its name.
    fn remember(&self, (op, place): (&'static str, usize)) -> String {
        let mut recent = self.recent.borrow_mut();
        recent.retain(|other| *other != (op, place));
        recent.insert(0, (op, place));
        recent.truncate(RECENT);
        format!("{op}: {}", self.suites[op][place].case.name)
    }
}

/// How many recent cases are worth trying first.
const RECENT: usize = 12;
/// Cases that take longer are large: they are run where size can matter, once.
const SLOW: Duration = Duration::from_millis(500);

fn broken_properties(mutant: &Mutant, rig: &Rig) -> impl Iterator<Item = String> {
    rig.focus(None);
    let lists = properties::LIST.iter().filter(|(op, _)| mutant.judges.contains(op));
    let all = lists.flat_map(|(op, list)| list.iter().map(move |property| (op, property)));
    let broken = all.filter(|(_, (_, check))| check(Backend::Gpu(rig)).is_err());
    broken.map(|(op, (name, _))| format!("{op}: property {name}"))
}

/// A case with its reference, which is computed once; that of a heavy case each time, since it may be gigabytes.
pub struct Prepared {
    case: Case,
    reference: Option<Outputs<Judged>>,
    time: Duration,
    ran: Ran,
}

impl Prepared {
    fn new(case: Case) -> Self {
        let reference = (!case.heavy).then(|| reference(&case));
        Self { case, reference, time: Duration::ZERO, ran: Ran::new() }
    }

    /// Notes how long the case takes, once its kernels are compiled.
    fn time(&mut self, rig: &Rig, tight: &Rig) {
        rig.ran();
        let fails = self.notices(rig) || self.case.tight && self.notices(tight);
        assert!(!fails, "{} fails without any mutant", self.case.name);
        let start = Instant::now();
        self.notices(rig);
        (self.time, self.ran) = (start.elapsed(), rig.ran());
    }

    /// Whether the case runs a kernel that the edit changes.
    fn holds(&self, edit: Edit) -> bool {
        let runs = |source: &&Source| self.ran.contains(&(source.op, source.kernel));
        SOURCES.iter().filter(runs).any(|source| edit.applies_to(source))
    }

    fn is_quick(&self) -> bool {
        self.time < SLOW
    }

    /// Whether a rig's results fail this case.
    fn notices(&self, rig: &Rig) -> bool {
        match self.case.problem.run(Backend::Gpu(rig)) {
            Ok(got) => {
                let own = self.reference.is_none().then(|| reference(&self.case));
                let reference = self.reference.as_ref().or(own.as_ref());
                reference.is_some_and(|reference| verdict(&judge(reference, &got)) == Verdict::Disagrees)
            }
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

fn reference(case: &Case) -> Outputs<Judged> {
    case.problem.reference(Precision::Wgsl).expect("generated cases have a reference")
}
