//! Log-probabilities from logits or from hidden states, their sums over sequences, divergences from a reference, and what
//! is formed from log-probabilities token by token: estimators of divergences, losses.

pub mod alpha_divergence;
pub mod denoising;
pub mod dft;
pub mod js;
pub mod k1;
pub mod k2;
pub mod k3;
pub mod kl;
pub mod linear;
pub mod nll;
pub mod sequence_mean;
pub mod sequence_sum;
pub mod token;
pub mod top_k;

pub use alpha_divergence::AlphaDivergence;
pub use denoising::Denoising;
pub use dft::Dft;
pub use js::Js;
pub use k1::K1;
pub use k2::K2;
pub use k3::K3;
pub use kl::Kl;
pub use linear::Linear;
pub use nll::Nll;
pub use sequence_mean::SequenceMean;
pub use sequence_sum::SequenceSum;
pub use token::Token;
pub use top_k::{TopEntropy, TopK};
