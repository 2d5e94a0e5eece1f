//! Adversarial problems: each signature's generator makes named cases, every one of which can be run alone.
//!
//! A case exists because some plausible mistake survives all the others. Inputs are drawn from a counter-based
//! generator seeded with the case's name, so that a case is the same on every machine and in every order.

mod draw;
mod fused_linear;
mod logit_pairs;
mod pair_rows;
mod pair_step;
#[cfg(test)]
mod seeds;
mod segment_stats;
pub(crate) mod token_map;
mod token_rows;
mod token_ways;

use std::cell::LazyCell;

use bellwether_core::logprob::{AlphaDivergence, Js, SequenceMean, SequenceSum};
use bellwether_cpu_ref::pair_rows::PairLink;
use bellwether_cpu_ref::token_map::MapRow;

use serde_json::{Map, Value};

use crate::links::{self, LinkVisitor};
use crate::maps::{self, MapVisitor};
use crate::problem::Problem;

pub use draw::Draw;

/// A named problem.
pub struct Case {
    /// The generator's name for it.
    pub name: String,
    /// Whether it needs much memory or time; left out of quick runs.
    pub heavy: bool,
    /// Whether it also runs on a device of [`Rig::tight`](crate::rig::Rig::tight)'s, where its arrays and dispatches
    /// are cut.
    pub tight: bool,
    /// The problem; a heavy one is made when it is first looked at.
    pub problem: Made,
}

/// A problem that is made on demand.
pub type Made = LazyCell<Box<dyn Problem>, Box<dyn FnOnce() -> Box<dyn Problem>>>;

impl Case {
    fn new(name: impl Into<String>, problem: impl Problem + 'static) -> Self {
        Self {
            name: name.into(),
            heavy: false,
            tight: false,
            problem: LazyCell::new(Box::new(move || Box::new(problem))),
        }
    }

    fn tight(name: &str, problem: impl Problem + 'static) -> Self {
        Self { tight: true, ..Self::new(name, problem) }
    }

    fn heavy<P: Problem + 'static>(name: &'static str, make: impl FnOnce(&str) -> P + 'static) -> Self {
        let problem = LazyCell::new(Box::new(move || Box::new(make(name)) as Box<dyn Problem>) as Box<_>);
        Self { name: name.into(), heavy: true, tight: false, problem }
    }
}

/// Slug of the whole steps, which are compositions and stand in no registry line.
pub const STEP: &str = "step/pair";

/// Every case of every operator, and of whole steps.
pub fn all() -> Vec<(&'static str, Vec<Case>)> {
    let mut suites = vec![
        ("logprob/token", token_rows::cases()),
        ("logprob/kl", logit_pairs::kl()),
        ("logprob/js", js()),
        ("logprob/alpha_divergence", alpha_divergence()),
        ("logprob/linear", fused_linear::cases()),
        ("logprob/sequence_sum", segment_stats::cases(SequenceSum {})),
        ("logprob/sequence_mean", segment_stats::cases(SequenceMean {})),
    ];
    for slug in maps::slugs() {
        let cases = maps::visit(slug, Map::new(), MapCases).and_then(Result::ok);
        suites.push((slug, cases.expect("a listed map takes its defaults")));
    }
    for slug in links::slugs() {
        let cases = variants(slug).into_iter().flat_map(|(name, params)| {
            let cases = links::visit(slug, params, PairCases).and_then(Result::ok);
            let named = move |case: Case| Case { name: format!("{}{name}", case.name), ..case };
            cases.expect("a listed link takes its own parameters").into_iter().map(named)
        });
        suites.push((slug, cases.collect()));
    }
    suites.push((STEP, pair_step::cases()));
    suites
}

/// The generalised Jensen-Shannon divergence between and at its ends.
fn js() -> Vec<Case> {
    let of = |beta, temperature| Js { beta, temperature };
    logit_pairs::settings(&[
        ("", of(0.5, 1.0), false),
        ("beta 0.1, ", of(0.1, 0.7), false),
        ("beta 0.9, ", of(0.9, 2.0), false),
        ("beta 0, ", of(0.0, 1.0), false),
        ("beta 1, ", of(1.0, 1.3), false),
    ])
}

/// The α-divergence on every side of 0 and 1.
fn alpha_divergence() -> Vec<Case> {
    let of = |alpha, temperature| AlphaDivergence { alpha, temperature };
    logit_pairs::settings(&[
        ("", of(0.5, 1.0), false),
        ("alpha 0.01, ", of(0.01, 0.7), false),
        ("alpha 0.99, ", of(0.99, 1.0), false),
        ("alpha 2, ", of(2.0, 1.3), true),
        ("alpha -1.5, ", of(-1.5, 1.0), true),
    ])
}

/// The parameters that a link is tried with: its defaults, and two degrees of label smoothing where it has any.
fn variants(slug: &str) -> Vec<(&'static str, Map<String, Value>)> {
    let mut variants = vec![("", Map::new())];
    let spec = bellwether_core::registry::SPECS.iter().find(|spec| spec.slug == slug);
    if spec.is_some_and(|spec| spec.params.iter().any(|p| p.name == "label_smoothing")) {
        for (name, smoothing) in [(", smoothing 0.1", 0.1), (", smoothing 0.4", 0.4)] {
            variants.push((name, Map::from_iter([("label_smoothing".to_owned(), Value::from(smoothing))])));
        }
    }
    variants
}

struct PairCases;

impl LinkVisitor for PairCases {
    type Out = Vec<Case>;

    fn visit<L: PairLink + serde::de::DeserializeOwned>(self, link: L) -> Vec<Case> {
        pair_rows::cases(link)
    }
}

struct MapCases;

impl MapVisitor for MapCases {
    type Out = Vec<Case>;

    fn visit<O: MapRow + serde::de::DeserializeOwned>(self, op: O) -> Vec<Case> {
        token_map::cases(op)
    }
}
