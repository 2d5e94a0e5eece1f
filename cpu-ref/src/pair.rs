//! Row functions of the family `pair`: the scores, and one file per link.

mod apo_zero;
mod hinge;
mod logistic;
mod nca;
mod robust;
mod score;
mod sppo;
mod square;

use bellwether_core::Real;
use bellwether_core::pair::Link;

pub use score::score;

/// The loss of a link, written from its paper.
pub trait PairLink: Link {
    /// `L(w, l)` for the scores of the chosen and the rejected response.
    fn loss<T: Real>(&self, beta: T, w: T, l: T) -> T;
}
