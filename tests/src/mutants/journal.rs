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

/// The file, a line per mutant: what it was found for, and who noticed.
pub struct Journal {
    found: Mutex<HashMap<u64, Vec<String>>>,
    file: File,
    cases: BTreeMap<&'static str, Vec<String>>,
}

impl Journal {
    /// Reads the file, or begins it. Lines that are none are left out.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn open(path: &Path) -> Result<Self, Error> {
        path.parent().map_or(Ok(()), create_dir_all)?;
        let lines = read_to_string(path).unwrap_or_default();
        let found = lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let names = |cases: Vec<generate::Case>| cases.into_iter().map(|case| case.name).collect();
        let cases = generate::all().into_iter().map(|(op, cases)| (op, names(cases))).collect();
        Ok(Self { found: Mutex::new(found), file, cases })
    }

    /// What a finding depends on: the change, every kernel that holds the place, and the names of the cases.
    fn mark(&self, mutant: &Mutant) -> u64 {
        let mut hasher = DefaultHasher::new();
        (mutant.edit.new, &mutant.judges).hash(&mut hasher);
        let holding = SOURCES.iter().filter(|source| mutant.edit.applies_to(source));
        holding.for_each(|source| source.text.hash(&mut hasher));
        let judges = mutant.judges.iter().chain([&generate::STEP]);
        judges.for_each(|op| self.cases.get(op).hash(&mut hasher));
        hasher.finish()
    }

    /// Who noticed this mutant, if it has been judged.
    pub fn find(&self, mutant: &Mutant) -> Option<Vec<String>> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.get(&self.mark(mutant)).cloned()
    }

    /// Notes who noticed a mutant.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn note(&self, mutant: &Mutant, killers: &[String]) -> Result<(), Error> {
        let mark = self.mark(mutant);
        self.found.lock().unwrap_or_else(PoisonError::into_inner).insert(mark, killers.to_vec());
        let line = serde_json::json!([mark, killers]);
        (&self.file).write_all(format!("{line}\n").as_bytes())
    }
}
