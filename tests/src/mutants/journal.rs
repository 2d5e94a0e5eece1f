//! What has been found about mutants, kept in a file: a run that was interrupted goes on, and judging one kernel again
//! leaves the others as they were.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions, create_dir_all, read_to_string};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Error, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use bellwether_shaders::SOURCES;

use super::Mutant;
use crate::generate;

/// The file, a line per mutant: what it was found for, by which cases, and who noticed.
pub struct Journal {
    found: Mutex<HashMap<u64, (u64, Vec<String>)>>,
    file: File,
    cases: BTreeMap<&'static str, Vec<String>>,
}

/// So many that noticed a mutant stay enough when there are new cases.
const ENOUGH: usize = 2;

impl Journal {
    /// Reads the file, or begins it. Lines that are none are left out.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn open(path: &Path) -> Result<Self, Error> {
        path.parent().map_or(Ok(()), create_dir_all)?;
        let lines = read_to_string(path).unwrap_or_default();
        let line = |line| serde_json::from_str::<(u64, u64, Vec<String>)>(line).ok();
        let found = lines.lines().filter_map(line).map(|(mark, cases, killers)| (mark, (cases, killers)));
        let found = found.collect();
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let names = |cases: Vec<generate::Case>| cases.into_iter().map(|case| case.name).collect();
        let cases = generate::all().into_iter().map(|(op, cases)| (op, names(cases))).collect();
        Ok(Self { found: Mutex::new(found), file, cases })
    }

    /// What a finding depends on: the change, and every kernel that holds the place.
    fn mark(mutant: &Mutant) -> u64 {
        let mut hasher = DefaultHasher::new();
        (mutant.edit.new, &mutant.judges).hash(&mut hasher);
        let holding = SOURCES.iter().filter(|source| mutant.edit.applies_to(source));
        holding.for_each(|source| source.text.hash(&mut hasher));
        hasher.finish()
    }

    /// The names of the cases that could notice.
    fn judged_by(&self, mutant: &Mutant) -> u64 {
        let mut hasher = DefaultHasher::new();
        let judges = mutant.judges.iter().chain([&generate::STEP]);
        judges.for_each(|op| self.cases.get(op).hash(&mut hasher));
        hasher.finish()
    }

    /// Who noticed this mutant, if it has been judged: by the same cases, or by enough that are still there.
    pub fn find(&self, mutant: &Mutant) -> Option<Vec<String>> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let (cases, killers) = found.get(&Self::mark(mutant))?;
        let stays = || killers.len() >= ENOUGH && killers.iter().all(|killer| self.is_there(killer));
        (*cases == self.judged_by(mutant) || stays()).then(|| killers.clone())
    }

    /// Whether a case that noticed something still is one. Sweeps and properties have no list here.
    fn is_there(&self, killer: &str) -> bool {
        let case = killer.split_once(": ").and_then(|(op, case)| Some((self.cases.get(op)?, case)));
        case.is_none_or(|(cases, case)| {
            case.starts_with("property ") || cases.iter().any(|name| name == case)
        })
    }

    /// Notes who noticed a mutant.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn note(&self, mutant: &Mutant, killers: &[String]) -> Result<(), Error> {
        let (mark, cases) = (Self::mark(mutant), self.judged_by(mutant));
        let line = serde_json::json!([mark, cases, killers]);
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.insert(mark, (cases, killers.to_vec()));
        (&self.file).write_all(format!("{line}\n").as_bytes())
    }
}
