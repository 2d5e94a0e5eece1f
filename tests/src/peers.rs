//! From a case of a file to problems: which operator a peer's name means, which tensor is which input, and which of
//! our outputs each of the file's numbers is held to.
//!
//! A new operator adds an adapter here (or a line to an adapter's table); a name that no adapter knows is reported as
//! unjudged, never dropped.

mod aot;
mod distillation;
mod divergence;
mod function;
mod head;
mod linear;
mod map;
mod pair;
mod pair_names;
mod policy;
mod reader;
mod returns;
mod scan;
mod single;
mod step;
mod token;
mod token_level;
mod top;
mod triple;
mod unpaired;

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
        Self::boxed(Box::new(problem), outputs, grads)
    }

    fn boxed(problem: Box<dyn Problem>, outputs: &[Entry], grads: &[Entry]) -> Self {
        Self {
            problem,
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
}

impl Judgement {
    /// Every number of the case that this problem can judge.
    pub fn claims<'c>(&self, case: &'c Case) -> Vec<Claim<'c>> {
        let groups = [
            ("in", &case.inputs, &self.inputs, 1.0),
            ("out", &case.outputs, &self.outputs, 1.0),
            ("grad", &case.grads, &self.grads, self.cotangent),
            ("exact.out", &case.exact_outputs, &self.outputs, 1.0),
            ("exact.grad", &case.exact_grads, &self.grads, self.cotangent),
        ];
        let claim = |(kind, named, factor): (&str, &'c crate::tensor::Named, f64), entry: &Entry| {
            let tensor = named.get(entry.name)?;
            Some(Claim { name: format!("{kind}.{}", entry.name), tensor, entry: *entry, factor })
        };
        let of_group = |(kind, named, entries, factor): (_, _, &Vec<Entry>, _)| {
            entries.iter().filter_map(|e| claim((kind, named, factor), e)).collect::<Vec<_>>()
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
    let logprob = token::read(reader).or_else(|| linear::read(reader)).or_else(|| distillation::read(reader));
    let logprob = logprob.or_else(|| divergence::read(reader)).or_else(|| unpaired::read(reader));
    let logprob = logprob.or_else(|| single::read(reader)).or_else(|| aot::read(reader));
    let logprob = logprob.or_else(|| map::read(reader)).or_else(|| triple::read(reader));
    let logprob = logprob.or_else(|| function::read(reader));
    let logprob = logprob.or_else(|| scan::read(reader));
    let logprob = logprob.or_else(|| returns::read(reader));
    let logprob = logprob.or_else(|| policy::read(reader)).or_else(|| map::read(reader));
    let logprob = logprob.or_else(|| top::read(reader)).or_else(|| token_level::read(reader));
    let mut judgements = match (logprob, pair::loss_of(case)) {
        (Some(found), _) => found?,
        (None, Some(loss)) if step::is_step(case) => step::read(reader, &loss)?,
        (None, Some(loss)) => pair::read(reader, &loss)?,
        (None, None) => return Err(FileError::unknown_op(case)),
    };
    judgements.iter_mut().for_each(|j| j.reads.extend(reads.borrow().iter().cloned()));
    Ok(judgements)
}
