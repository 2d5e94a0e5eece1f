//! Mutants of rules that nothing can notice, each with its reason (`data/equivalent.txt`).

use std::collections::BTreeMap;

use super::generic::Name;

/// The list; its format stands at its head.
const LIST: &str = include_str!("../../data/equivalent.txt");

/// Names of mutants, as a mutant's own [`Name`] prints itself, with reasons.
///
/// # Panics
/// When the list does not follow its format, or names a mutant twice.
pub fn all() -> BTreeMap<String, &'static str> {
    let mut found = BTreeMap::new();
    for section in LIST.split("\n# ").skip(1) {
        let (reason, entries) = section.split_once('\n').unwrap_or((section, ""));
        for entry in entries.split("\n\n").map(str::trim).filter(|entry| !entry.is_empty()) {
            assert_eq!(entry.lines().count(), 3, "an entry has three lines: {entry}");
            assert!(found.insert(entry.to_owned(), reason).is_none(), "twice: {entry}");
        }
    }
    found
}

/// Whether a name is listed.
pub fn is_listed(list: &BTreeMap<String, &'static str>, name: &Name) -> bool {
    list.contains_key(&name.to_string())
}
