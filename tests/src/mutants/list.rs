//! Mutants written by hand, as data: mistakes that somebody might make, which no rule would think of.
//!
//! A mutant is a piece of a kernel's text and what stands there instead (`data/mutants.txt`). It must apply: a text
//! that no longer holds the piece exactly once fails the run, so the list keeps up with the kernels.

use bellwether_shaders::SOURCES;

use crate::rig::Edit;

/// A broken kernel.
#[derive(Clone, Copy, Debug)]
pub struct Listed {
    /// What is broken.
    pub name: &'static str,
    /// The operator whose cases must notice.
    pub op: &'static str,
    /// How it is broken.
    pub edit: Edit,
}

/// The list; its format stands at its head.
const LIST: &str = include_str!("../../data/mutants.txt");

/// Every mutant of the list.
///
/// # Panics
/// When the list does not follow its format.
pub fn all() -> Vec<Listed> {
    let entries = LIST.split("\n[").skip(1);
    entries.map(|entry| parse(entry).unwrap_or_else(|| panic!("not a mutant: {entry}"))).collect()
}

/// An entry without its first bracket: `name] op kernel`, then lines of old and of new text.
fn parse(entry: &'static str) -> Option<Listed> {
    let (head, body) = entry.split_once('\n')?;
    let (name, place) = head.split_once("] ")?;
    let (op, kernel) = place.split_once(' ')?;
    let (old, new) = body.split_once("\n+")?;
    // Text of several lines keeps its line ends: only the marks go.
    let unmarked = |text: &'static str, mark: &str| -> &'static str {
        let lines = text.lines().map(|line| line.strip_prefix(mark).unwrap_or(line));
        let lines: Vec<_> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
        Box::leak(lines.join("\n").into_boxed_str())
    };
    let (old, new) = (unmarked(old, "-"), unmarked(new.trim_end_matches('\n'), "+"));
    Some(Listed { name, op, edit: Edit { kernel: Some(kernel), old, new } })
}

impl Listed {
    /// Whether the operator's kernel still holds the text, exactly once.
    pub fn applies(&self) -> bool {
        SOURCES.iter().any(|source| source.op == self.op && self.edit.applies_to(source))
    }
}
