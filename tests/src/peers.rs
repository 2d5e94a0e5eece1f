//! From a case of a file to problems: which operator a peer's name means, which tensor is which input, and which of
//! our outputs each of the file's numbers is held to.
//!
//! A new operator adds an adapter here (or a line to an adapter's table); a name that no adapter knows is reported as
//! unjudged, never dropped.

mod map;
mod pair;
mod reader;
mod step;
mod token;

use crate::file::{Case, FileError};
use crate::problem::Problem;
use crate::tensor::Tensor;
use reader::{Reader, Reads};

/// One of the file's names and what it is held to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    /// The name in the file.
    pub name: &'static str,
    /// The output of the problem.
    pub output: &'static str,
    /// One element of that output; `None`: all of it.
    pub element: Option<usize>,
}

const fn all(name: &'static str, output: &'static str) -> Entry {
    Entry { name, output, element: None }
}

const fn one(name: &'static str, output: &'static str, element: usize) -> Entry {
    Entry { name, output, element: Some(element) }
}

/// A problem, and which numbers of the file speak about it.
pub struct Judgement {
    /// The problem.
    pub problem: Box<dyn Problem>,
    /// Where its inputs come from, when a case has several.
    pub from: &'static str,
    /// Inputs that the problem can form itself: the file's must match.
    pub inputs: Vec<Entry>,
    /// The file's outputs.
    pub outputs: Vec<Entry>,
    /// The file's gradients.
    pub grads: Vec<Entry>,
    /// What the file multiplied its gradients by.
    pub cotangent: f64,
    /// Names of the inputs that were read.
    pub reads: Vec<String>,
}

impl Judgement {
    fn new(problem: impl Problem + 'static, outputs: &[Entry], grads: &[Entry]) -> Self {
        Self {
            problem: Box::new(problem),
            from: "",
            inputs: Vec::new(),
            outputs: outputs.to_vec(),
            grads: grads.to_vec(),
            cotangent: 1.0,
            reads: Vec::new(),
        }
    }
}

/// A number of the file, to be held to the reference.
pub struct Claim<'c> {
    /// `in.NAME`, `out.NAME` or `grad.NAME`; `exact.NAME` for 60-digit truth.
    pub name: String,
    /// What the file says.
    pub tensor: &'c Tensor,
    /// What it is held to.
    pub entry: Entry,
    /// What the reference is multiplied by.
    pub factor: f64,
    /// How far the peer is known to be from the truth, relative to `|x| + 1e-3`.
    pub deviation: f64,
}

impl Judgement {
    /// Every number of the case that this problem can judge.
    pub fn claims<'c>(&self, case: &'c Case) -> Vec<Claim<'c>> {
        // An infinite one says that the peer is not finite somewhere, which the case's tag says too. A file cannot
        // excuse itself from everything.
        let stated = case.meta.get("peer_deviation").and_then(|x| x.parse::<f64>().ok());
        let deviation = stated.filter(|x| x.is_finite()).unwrap_or(0.0).clamp(0.0, 1e-9);
        let groups = [
            ("in", &case.inputs, &self.inputs, 1.0, 0.0),
            ("out", &case.outputs, &self.outputs, 1.0, deviation),
            ("grad", &case.grads, &self.grads, self.cotangent, deviation),
            ("exact.out", &case.exact_outputs, &self.outputs, 1.0, 0.0),
            ("exact.grad", &case.exact_grads, &self.grads, self.cotangent, 0.0),
        ];
        let claim = |(kind, named, factor, deviation): (&str, &'c crate::tensor::Named, f64, f64),
                     entry: &Entry| {
            let tensor = named.get(entry.name)?;
            Some(Claim { name: format!("{kind}.{}", entry.name), tensor, entry: *entry, factor, deviation })
        };
        let of_group = |(kind, named, entries, factor, deviation): (_, _, &Vec<Entry>, _, _)| {
            entries.iter().filter_map(|e| claim((kind, named, factor, deviation), e)).collect::<Vec<_>>()
        };
        groups.into_iter().flat_map(of_group).collect()
    }
}

/// The problems of a case.
///
/// # Errors
/// [`FileError::UnknownOp`] when no adapter knows the operator; otherwise what is wrong with the case.
pub fn read(case: &Case) -> Result<Vec<Judgement>, FileError> {
    let reads = Reads::default();
    let reader = Reader::new(case, &reads);
    let found = token::read(reader).or_else(|| map::read(reader));
    let mut judgements = match (found, pair::loss_of(case)) {
        (Some(found), _) => found?,
        (None, Some(loss)) if step::is_step(case) => step::read(reader, &loss)?,
        (None, Some(loss)) => pair::read(reader, &loss)?,
        (None, None) => return Err(FileError::unknown_op(case)),
    };
    judgements.iter_mut().for_each(|j| j.reads.extend(reads.borrow().iter().cloned()));
    Ok(judgements)
}
