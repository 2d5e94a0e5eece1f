//! Row functions of the family `pair`: the scores, and one file per link.

mod apo_down;
mod apo_zero;
mod asft;
mod bco;
mod bradley_terry;
mod copg;
mod discopop;
mod exo;
mod hinge;
mod logistic;
mod nca;
mod odds_ratio;
mod ofs_fast;
mod ofs_slow;
mod regression;
mod score;
mod scored;
mod seppo;
mod sppo;
mod square;

use bellwether_core::Real;
use bellwether_core::pair::Link;

pub use score::score;
pub(crate) use scored::Response;

/// What a link sees of a pair.
#[derive(Clone, Copy, Debug)]
pub struct Scores<T> {
    /// Strength of the reference.
    pub beta: T,
    /// The score of the chosen response.
    pub w: T,
    /// The score of the rejected one.
    pub l: T,
    /// `β(w − l)` less the margins.
    pub z: T,
}

impl<T: Real> Scores<T> {
    /// The pair with chosen and rejected exchanged.
    #[must_use]
    pub fn exchanged(&self) -> Self {
        Self { beta: self.beta, w: self.l, l: self.w, z: -self.z }
    }
}

/// The loss of a link, written from its paper.
pub trait PairLink: Link {
    /// `L(w, l, z)`.
    fn loss<T: Real>(&self, scores: &Scores<T>) -> T;
}
