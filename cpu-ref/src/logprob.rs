//! Row functions of the family `logprob`.

mod alpha_divergence;
mod denoising;
mod dft;
pub mod divergence;
mod js;
mod k1;
mod k2;
mod k3;
mod kl;
mod nll;
pub mod pair;
mod sequence_mean;
mod sequence_sum;
pub mod state;
pub mod token;
pub mod top_k;

use bellwether_core::{Op, Real};

/// A statistic of the kept elements of a segment that keeps at least one.
pub trait SegmentOp: Op {
    /// The statistic, from the sum and the number of kept elements.
    fn value<T: Real>(&self, sum: T, count: T) -> T;
    /// Its derivative by each kept element.
    fn slope<T: Real>(&self, count: T) -> T;
}
