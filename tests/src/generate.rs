//! Adversarial problems: each signature's generator makes named cases, every one of which can be run alone.
//!
//! A case exists because some plausible mistake survives all the others. Inputs are drawn from a counter-based
//! generator seeded with the case's name, so that a case is the same on every machine and in every order.

mod draw;
mod fused_linear;
pub(crate) mod list_rows;
mod logit_pairs;
mod pair_extras;
mod pair_rows;
mod pair_step;
pub(crate) mod policy_rows;
pub(crate) mod reverse_scan;
#[cfg(test)]
mod seeds;
mod segment_stats;
mod single_step;
mod tdpo;
pub(crate) mod token_map;
mod token_rows;
mod token_ways;
mod top_rows;

use std::cell::LazyCell;

use bellwether_core::logprob::{AlphaDivergence, Js, SequenceMean, SequenceSum, Token};
use bellwether_core::op::Param;
use bellwether_cpu_ref::list_rows::ListRow;
use bellwether_cpu_ref::pair_rows::PairLink;
use bellwether_cpu_ref::policy_rows::SurrogateRow;
use bellwether_cpu_ref::reverse_scan::ScanRow;
use bellwether_cpu_ref::token_map::MapRow;

use serde_json::{Map, Value};

use crate::links::{self, LinkVisitor};
use crate::lists::{self, ListVisitor};
use crate::maps::{self, MapVisitor};
use crate::policies::{self, PolicyVisitor};
use crate::problem::Problem;
use crate::scans::{self, ScanVisitor};

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
/// The same of losses on single responses.
pub const SINGLE_STEP: &str = "step/single";

/// The same of token-level DPO.
pub const TDPO_STEP: &str = "step/tdpo";

/// Every case of every operator, and of whole steps.
pub fn all() -> Vec<(&'static str, Vec<Case>)> {
    let mut suites = vec![
        ("logprob/token", token_rows::cases()),
        ("logprob/top_k", top_rows::cases()),
        ("logprob/kl", logit_pairs::kl()),
        ("logprob/js", js()),
        ("logprob/alpha_divergence", alpha_divergence()),
        ("logprob/linear", fused_linear::cases()),
        ("logprob/sequence_sum", segment_stats::cases(SequenceSum {})),
        ("logprob/sequence_mean", segment_stats::cases(SequenceMean {})),
    ];
    for slug in maps::slugs() {
        let cases = maps::visit(slug, Map::new(), MapCases).and_then(Result::ok);
        let mut cases = cases.expect("a listed map takes its defaults");
        if let Some(params) = other_parameters(slug) {
            let more = maps::visit(slug, params, OtherMapCases).and_then(Result::ok);
            cases.extend(more.expect("a listed map takes other parameters"));
        }
        suites.push((slug, cases));
    }
    for slug in links::slugs() {
        let cases = variants(slug).into_iter().flat_map(|(name, params)| {
            let cases = links::visit(slug, params, PairCases).and_then(Result::ok);
            let named = move |case: Case| Case { name: format!("{}{name}", case.name), ..case };
            cases.expect("a listed link takes its own parameters").into_iter().map(named)
        });
        suites.push((slug, cases.collect()));
    }
    for slug in lists::slugs() {
        let cases = list_variants(slug).into_iter().flat_map(|(name, params)| {
            let cases = lists::visit(slug, params, ListCases { name }).and_then(Result::ok);
            cases.expect("a listed loss takes its own parameters")
        });
        suites.push((slug, cases.collect()));
    }
    for slug in scans::slugs() {
        let cases = scans::visit(slug, Map::new(), ScanCases { defaults: true }).and_then(Result::ok);
        let mut cases = cases.expect("a listed scan takes its defaults");
        if let Some(params) = other_parameters(slug) {
            let more = scans::visit(slug, params, ScanCases { defaults: false }).and_then(Result::ok);
            cases.extend(more.expect("a listed scan takes other parameters"));
        }
        suites.push((slug, cases));
    }
    for slug in policies::slugs() {
        let cases = policy_variants(slug).into_iter().flat_map(|(name, params)| {
            let cases = policies::visit(slug, params, PolicyCases { name }).and_then(Result::ok);
            cases.expect("a listed surrogate takes its own parameters")
        });
        suites.push((slug, cases.collect()));
    }
    suites.push((STEP, pair_step::cases()));
    suites.push((SINGLE_STEP, single_step::cases()));
    suites.push((TDPO_STEP, tdpo::cases()));
    suites
}

/// The generalised Jensen-Shannon divergence between and at its ends.
fn js() -> Vec<Case> {
    let of = |beta, temperature| Js::of(beta, Token::at(temperature));
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
    let of = |alpha, temperature| AlphaDivergence::of(alpha, Token::at(temperature));
    logit_pairs::settings(&[
        ("", of(0.5, 1.0), false),
        ("alpha 0.01, ", of(0.01, 0.7), false),
        ("alpha 0.99, ", of(0.99, 1.0), false),
        ("alpha 2, ", of(2.0, 1.3), true),
        ("alpha -1.5, ", of(-1.5, 1.0), true),
    ])
}

/// The parameters that a link is tried with: its defaults, and others where the defaults hide something.
fn variants(slug: &str) -> Vec<(&'static str, Map<String, Value>)> {
    let others: &[(&'static str, &str, f64)] = match slug {
        "pair/exo" => &[(", epsilon 0.1", "epsilon", 0.1), (", epsilon 0.49", "epsilon", 0.49)],
        "pair/discopop" => &[(", tau 1", "tau", 1.0), (", tau 0.5", "tau", 0.5)],
        "pair/bco" => &[(", delta 0.3", "delta", 0.3), (", delta -40", "delta", -40.0)],
        "pair/asft" => &[(", lambda 0", "lambda", 0.0), (", lambda 0.2", "lambda", 0.2)],
        "pair/bradley_terry" => &[(", centred", "center", 0.1)],
        "pair/ofs_fast" | "pair/ofs_slow" => &[(", alpha 0", "alpha", 0.0), (", alpha 0.7", "alpha", 0.7)],
        _ => &[],
    };
    let of = |&(name, key, value): &(_, &str, f64)| (name, Map::from_iter([(key.to_owned(), value.into())]));
    std::iter::once(("", Map::new())).chain(others.iter().map(of)).collect()
}

/// Parameters of a map that are not its defaults, each another; `None` where it has none.
fn other_parameters(slug: &str) -> Option<Map<String, Value>> {
    let spec = bellwether_core::registry::SPECS.iter().find(|spec| spec.slug == slug)?;
    let value = |i: usize, param: &Param| match param.range {
        "false or true (0 or 1)" => Value::from(param.default == 0.0),
        _ => Value::from([0.5, 0.7, 1.33][i % 3]),
    };
    let other = |(i, param): (usize, &Param)| (param.name.to_owned(), value(i, param));
    (!spec.params.is_empty()).then(|| spec.params.iter().enumerate().map(other).collect())
}

/// The same of losses on lists.
fn list_variants(slug: &str) -> Vec<(&'static str, Map<String, Value>)> {
    let others: &[(&'static str, &str, Value)] = match slug {
        "list/plackett_luce" => &[(", top 2", "top", 2.into()), (", top 70", "top", 70.into())],
        "list/pairwise_logistic" => &[(", unit", "unit", true.into())],
        "list/brain" => &[(", gamma 0.1", "gamma", 0.1.into()), (", gamma 30", "gamma", 30.0.into())],
        "list/aot" => {
            &[(", beta 1", "beta", 1.0.into()), (", label smoothing 0.3", "label_smoothing", 0.3.into())]
        }
        "list/copg" => &[(", beta 1", "beta", 1.0.into())],
        _ => &[],
    };
    let of =
        |(name, key, value): &(_, &str, Value)| (*name, Map::from_iter([((*key).to_owned(), value.clone())]));
    std::iter::once(("", Map::new())).chain(others.iter().map(of)).collect()
}

struct ListCases {
    name: &'static str,
}

impl ListVisitor for ListCases {
    type Out = Vec<Case>;

    fn visit<O: ListRow + serde::de::DeserializeOwned>(self, op: O) -> Vec<Case> {
        let named = |case: Case| Case { name: format!("{}{}", case.name, self.name), ..case };
        list_rows::cases(op).into_iter().map(named).collect()
    }
}

struct ScanCases {
    defaults: bool,
}

impl ScanVisitor for ScanCases {
    type Out = Vec<Case>;

    fn visit<O: ScanRow + serde::de::DeserializeOwned>(self, op: O) -> Vec<Case> {
        if self.defaults { reverse_scan::cases(op) } else { reverse_scan::other_parameters(op) }
    }
}

/// The same of surrogates, each with all its parameters.
fn policy_variants(slug: &str) -> Vec<(&'static str, Map<String, Value>)> {
    let (name, params): (_, &[(&str, f64)]) = match slug {
        "policy/clip" => (", dual clip", &[("epsilon_low", 0.1), ("epsilon_high", 0.28), ("delta", 1.5)]),
        "policy/cispo" => (", epsilon_high 1.1", &[("epsilon_high", 1.1)]),
        "policy/sapo" => (", steep", &[("temperature_pos", 2.0), ("temperature_neg", 3.0)]),
        "policy/vespo" => {
            (", flat", &[("k_pos", 0.5), ("lambda_pos", 0.75), ("k_neg", 1.0), ("lambda_neg", 0.25)])
        }
        _ => (", narrow", &[("epsilon_low", 0.1), ("epsilon_high", 0.2)]),
    };
    let params = params.iter().map(|&(key, value)| (key.to_owned(), value.into())).collect();
    vec![("", Map::new()), (name, params)]
}

struct PolicyCases {
    name: &'static str,
}

impl PolicyVisitor for PolicyCases {
    type Out = Vec<Case>;

    fn visit<S: SurrogateRow + serde::de::DeserializeOwned>(self, surrogate: S) -> Vec<Case> {
        let named = |case: Case| Case { name: format!("{}{}", case.name, self.name), ..case };
        policy_rows::cases(surrogate).into_iter().map(named).collect()
    }
}

struct PairCases;

impl LinkVisitor for PairCases {
    type Out = Vec<Case>;

    fn visit<L: PairLink + serde::de::DeserializeOwned>(self, link: L) -> Vec<Case> {
        pair_rows::cases(link)
    }
}

struct OtherMapCases;

impl MapVisitor for OtherMapCases {
    type Out = Vec<Case>;

    fn visit<O: MapRow + serde::de::DeserializeOwned>(self, op: O) -> Vec<Case> {
        token_map::other_parameters(op)
    }
}

struct MapCases;

impl MapVisitor for MapCases {
    type Out = Vec<Case>;

    fn visit<O: MapRow + serde::de::DeserializeOwned>(self, op: O) -> Vec<Case> {
        token_map::cases(op)
    }
}
