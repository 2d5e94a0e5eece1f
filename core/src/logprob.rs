//! Log-probabilities from logits or from hidden states, and their sums over sequences.

pub mod linear;
pub mod sequence_mean;
pub mod sequence_sum;
pub mod token;

pub use linear::Linear;
pub use sequence_mean::SequenceMean;
pub use sequence_sum::SequenceSum;
pub use token::Token;
