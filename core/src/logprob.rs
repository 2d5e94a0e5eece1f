//! Log-probabilities from logits or from hidden states, their sums over sequences, and divergences from a reference.

pub mod alpha_divergence;
pub mod js;
pub mod kl;
pub mod linear;
pub mod sequence_mean;
pub mod sequence_sum;
pub mod token;

pub use alpha_divergence::AlphaDivergence;
pub use js::Js;
pub use kl::Kl;
pub use linear::Linear;
pub use sequence_mean::SequenceMean;
pub use sequence_sum::SequenceSum;
pub use token::Token;
