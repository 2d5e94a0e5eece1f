//! Losses on lists of responses to one prompt: rankings, distributions over samples, leave-one-out baselines.

pub mod aot;
pub mod brain;
pub mod context_mixture;
pub mod copg;
pub mod leave_one_out;
pub mod pairwise_logistic;
pub mod plackett_luce;

pub use aot::Aot;
pub use brain::Brain;
pub use context_mixture::ContextMixture;
pub use copg::Copg;
pub use leave_one_out::LeaveOneOut;
pub use pairwise_logistic::PairwiseLogistic;
pub use plackett_luce::PlackettLuce;
