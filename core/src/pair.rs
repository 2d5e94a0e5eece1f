//! Preference losses on pairs: {score map} × {length rule} × {reference} × {link}.
//!
//! A *link* turns two scores into a loss and is an operator with files of its own. Everything before the link is
//! shared by all of them and stands here. A named method is a composition: see [`presets`].

mod loss;
pub mod presets;

pub mod apo_zero;
pub mod hinge;
pub mod logistic;
pub mod nca;
pub mod robust;
pub mod sppo;
pub mod square;

pub use apo_zero::ApoZero;
pub use hinge::Hinge;
pub use logistic::Logistic;
pub use loss::{Length, Link, PairLoss, Score};
pub use nca::Nca;
pub use robust::Robust;
pub use sppo::Sppo;
pub use square::Square;
