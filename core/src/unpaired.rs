//! Preference losses on single responses: no pair of a chosen and a rejected one is needed.
//!
//! All are maps ([`token_map`](crate::sig::token_map)). An element is a response where log-probabilities are summed over
//! its tokens beforehand (`logprob/sequence_sum`), or a token where the paper's loss is a sum over tokens. `u` stands for
//! `logp − ref_logp` throughout. A label `desirable` is 1 or 0 (or −1): more than ½ is desirable.

pub mod a2po;
pub mod apo_zero;
pub mod bco;
pub mod direct_advantage;
pub mod dro;
pub mod kto;
mod moments;
pub mod nash_md;
pub mod soft_critic;

pub use a2po::A2po;
pub use apo_zero::ApoZero;
pub use bco::Bco;
pub use direct_advantage::DirectAdvantage;
pub use dro::Dro;
pub use kto::Kto;
pub use moments::Moments;
pub use nash_md::NashMd;
pub use soft_critic::SoftCritic;

use crate::Error;
use crate::op::{Param, require};

/// For each of `n` prompts in order, which completion of the same batch is put behind it to estimate the baseline of
/// [`Kto`]: the completion of the prompt before it, and the last one for the first prompt, as TRL does.
///
/// Below two prompts there is no completion of another one, and nothing comes out.
///
/// ```
/// assert!(bellwether_core::unpaired::mismatched(4).eq([3, 0, 1, 2]));
/// assert_eq!(bellwether_core::unpaired::mismatched(1).count(), 0);
/// ```
pub fn mismatched(n: usize) -> impl Iterator<Item = usize> {
    let last = if n < 2 { None } else { Some(n - 1) };
    last.into_iter().chain(0..last.unwrap_or(0))
}

/// The strength of the reference, as every operator of the family lists it.
const fn beta(doc: &'static str, default: f64) -> Param {
    Param { name: "beta", doc, range: "> 0", default }
}

/// The weight of responses with one label.
const fn weight(name: &'static str, doc: &'static str) -> Param {
    Param { name, doc, range: ">= 0", default: 1.0 }
}

const fn require_beta(op: &'static str, arg: &'static str, beta: f64) -> Result<(), Error> {
    require(beta > 0.0 && beta.is_finite(), op, arg, beta, "> 0 and finite")
}

fn require_weights(op: &'static str, desirable: f64, undesirable: f64) -> Result<(), Error> {
    let weight = |arg, w: f64| require(w >= 0.0 && w.is_finite(), op, arg, w, ">= 0 and finite");
    weight("desirable_weight", desirable)?;
    weight("undesirable_weight", undesirable)
}
