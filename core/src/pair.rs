//! Preference losses on pairs: {score map} × {length rule} × {reference} × {margin} × {labels} × {link} + {likelihood}.
//!
//! A *link* turns two scores into a loss and is an operator with files of its own. Everything before the link is
//! shared by all of them and stands here. A named method is a composition: see [`presets`].

mod loss;
pub mod presets;
mod score;
mod sequential_kl;
mod tail;

pub mod apo_down;
pub mod apo_zero;
pub mod asft;
pub mod bco;
pub mod bradley_terry;
pub mod copg;
pub mod discopop;
pub mod exo;
pub mod hinge;
pub mod logistic;
pub mod nca;
pub mod odds_ratio;
pub mod ofs_fast;
pub mod ofs_slow;
pub mod regression;
pub mod seppo;
pub mod sppo;
pub mod square;

pub use apo_down::ApoDown;
pub use apo_zero::ApoZero;
pub use asft::Asft;
pub use bco::Bco;
pub use bradley_terry::BradleyTerry;
pub use copg::Copg;
pub use discopop::Discopop;
pub use exo::Exo;
pub use hinge::Hinge;
pub use logistic::Logistic;
pub use loss::{Length, Link, Noise, PairLoss, Reward, Sft};
pub use nca::Nca;
pub use odds_ratio::OddsRatio;
pub use ofs_fast::OfsFast;
pub use ofs_slow::OfsSlow;
pub use regression::Regression;
pub use score::Score;
pub use seppo::Seppo;
pub use sequential_kl::SequentialKl;
pub use sppo::Sppo;
pub use square::Square;
pub use tail::{check_tail_weight, tail_words, tail_words_len};
