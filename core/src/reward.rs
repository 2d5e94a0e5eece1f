//! Rewards per token, and what is kept of them from batch to batch.
//!
//! Potential-based shaping is `returns/td_error` of the potentials; running moments are
//! [`Moments`](crate::unpaired::Moments), whose deviation rewards are divided by.

mod adaptive_kl;
pub mod rto;

pub use adaptive_kl::AdaptiveKl;
pub use rto::Rto;
