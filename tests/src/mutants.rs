//! Deliberately broken kernels, as data: the suite must catch every one.
//!
//! A mutant is a piece of a kernel's text and what stands there instead (`data/mutants.txt`). It must apply: a text
//! that no longer holds the piece exactly once fails the run, so the list keeps up with the kernels.

use bellwether_shaders::SOURCES;

use crate::generate::Case;
use crate::judge::{judge, verdict};
use crate::problem::{Backend, Judged, Outputs, Precision, RunError};
use crate::report::Verdict;
use crate::rig::{Edit, Rig};

/// A broken kernel.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// What is broken.
    pub name: &'static str,
    /// The operator whose cases must notice.
    pub op: &'static str,
    /// How it is broken.
    pub edit: Edit,
}

/// The list; its format stands at its head.
const LIST: &str = include_str!("../data/mutants.txt");

/// Every mutant of the list.
///
/// # Panics
/// When the list does not follow its format.
pub fn all() -> Vec<Mutant> {
    let entries = LIST.split("\n[").skip(1);
    entries.map(|entry| parse(entry).unwrap_or_else(|| panic!("not a mutant: {entry}"))).collect()
}

/// An entry without its first bracket: `name] op kernel`, then lines of old and of new text.
fn parse(entry: &'static str) -> Option<Mutant> {
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
    Some(Mutant { name, op, edit: Edit { kernel, old, new } })
}

impl Mutant {
    /// Whether the operator's kernel still holds the text, exactly once.
    pub fn applies(&self) -> bool {
        SOURCES.iter().any(|source| source.op == self.op && self.edit.applies_to(source))
    }

    /// The cases that notice, one after another; none when the mutant survives them all.
    pub fn killers<'c>(&self, rig: &Rig, cases: &'c [Prepared]) -> impl Iterator<Item = &'c str> {
        let rig = rig.with_edit(self.edit);
        let noticing = cases.iter().filter(move |prepared| prepared.notices(&rig));
        noticing.map(|prepared| prepared.case.name.as_str())
    }
}

/// A case with its reference computed.
pub struct Prepared {
    case: Case,
    reference: Outputs<Judged>,
}

impl Prepared {
    /// Computes the reference of each case that is not heavy.
    ///
    /// # Panics
    /// When the reference refuses a generated case.
    pub fn all(cases: Vec<Case>) -> Vec<Self> {
        let prepare = |case: Case| {
            let reference =
                case.problem.reference(Precision::Wgsl).expect("generated cases have a reference");
            Self { case, reference }
        };
        cases.into_iter().filter(|case| !case.heavy).map(prepare).collect()
    }

    /// Whether a rig's results fail this case.
    fn notices(&self, rig: &Rig) -> bool {
        match self.case.problem.run(Backend::Gpu(rig)) {
            Ok(got) => verdict(&judge(&self.reference, &got)) == Verdict::Disagrees,
            Err(RunError::Overwrote { .. }) => true,
            // A text that does not compile is no mutant: it proves nothing about the cases.
            Err(_) => false,
        }
    }
}
