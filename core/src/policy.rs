//! Policy-gradient losses on sampled sequences.
//!
//! One loss with orthogonal choices ([`PolicyLoss`]): whose ratio a token sees ([`Level`]), what is made of it (the
//! [`Surrogate`], an operator with a file of its own), how tokens become one number ([`Aggregate`]), and the divergence
//! from a reference. A named method is a composition: one line of [`presets`].
//!
//! Advantages are inputs, however they were normalised.

pub mod cispo;
pub mod clip;
pub mod gmpo;
mod loss;
pub mod presets;
pub mod sapo;
pub mod value_clip;
pub mod vespo;

pub use cispo::Cispo;
pub use clip::Clip;
pub use gmpo::Gmpo;
pub use loss::{Aggregate, Level, PolicyLoss, Surrogate};
pub use sapo::Sapo;
pub use value_clip::ValueClip;
pub use vespo::Vespo;

use crate::Error;
use crate::op::{Param, require};

/// How far a ratio may fall, as the operators with two ends list it.
const fn epsilon_low(doc: &'static str, range: &'static str, default: f64) -> Param {
    Param { name: "epsilon_low", doc, range, default }
}

/// How far a ratio may rise.
const fn epsilon_high(doc: &'static str, range: &'static str, default: f64) -> Param {
    Param { name: "epsilon_high", doc, range, default }
}

const fn require_positive(op: &'static str, arg: &'static str, x: f64) -> Result<(), Error> {
    require(x > 0.0 && x.is_finite(), op, arg, x, "> 0 and finite")
}

const fn require_not_negative(op: &'static str, arg: &'static str, x: f64) -> Result<(), Error> {
    require(x >= 0.0 && x.is_finite(), op, arg, x, ">= 0 and finite")
}
