//! Adversarial problems: each signature's generator makes named cases, every one of which can be run alone.
//!
//! A case exists because some plausible mistake survives all the others. Inputs are drawn from a counter-based
//! generator seeded with the case's name, so that a case is the same on every machine and in every order.

mod draw;
mod fused_linear;
mod pair_rows;
mod pair_step;
mod segment_stats;
mod token_rows;

use bellwether_core::logprob::{SequenceMean, SequenceSum};
use bellwether_cpu_ref::pair_rows::PairLink;

use crate::links::{self, LinkVisitor};
use crate::problem::Problem;

pub use draw::Draw;

/// A named problem.
pub struct Case {
    /// The generator's name for it.
    pub name: String,
    /// Whether it needs much memory or time; left out of quick runs.
    pub heavy: bool,
    /// The problem.
    pub problem: Box<dyn Problem>,
}

impl Case {
    fn new(name: impl Into<String>, problem: impl Problem + 'static) -> Self {
        Self { name: name.into(), heavy: false, problem: Box::new(problem) }
    }

    fn heavy(self) -> Self {
        Self { heavy: true, ..self }
    }
}

/// Slug of the whole steps, which are compositions and stand in no registry line.
pub const STEP: &str = "step/pair";

/// Every case of every operator, and of whole steps.
pub fn all() -> Vec<(&'static str, Vec<Case>)> {
    let mut suites = vec![
        ("logprob/token", token_rows::cases()),
        ("logprob/linear", fused_linear::cases()),
        ("logprob/sequence_sum", segment_stats::cases(SequenceSum {})),
        ("logprob/sequence_mean", segment_stats::cases(SequenceMean {})),
    ];
    for slug in links::slugs() {
        let cases = links::visit(slug, serde_json::Map::new(), PairCases);
        suites.push((slug, cases.and_then(Result::ok).expect("a listed link takes its defaults")));
    }
    suites.push((STEP, pair_step::cases()));
    suites
}

struct PairCases;

impl LinkVisitor for PairCases {
    type Out = Vec<Case>;

    fn visit<L: PairLink + serde::de::DeserializeOwned>(self, _link: L) -> Vec<Case> {
        pair_rows::cases::<L>()
    }
}
