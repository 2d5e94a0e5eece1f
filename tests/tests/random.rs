//! Random numbers: the kernels' against core's, and core's against what they should be distributed like.
//!
//! Every statistic has a fixed seed and a threshold of five to six deviations: it passes always or never.

#[path = "random/bits.rs"]
mod bits;
#[path = "common/gpu.rs"]
mod common;
#[path = "random/device.rs"]
mod device;
#[path = "random/distributions.rs"]
mod distributions;
#[path = "random/independence.rs"]
mod independence;
#[path = "random/noise.rs"]
mod noise;
#[path = "random/permutations.rs"]
mod permutations;
#[path = "random/statistics.rs"]
mod statistics;

use bellwether_core::random::Stream;

/// A sequence of this suite, by seed.
const fn stream(seed: u64) -> Stream {
    Stream { seed, stream: 0 }
}

/// The first words of `n` elements.
fn words(stream: Stream, n: u64) -> Vec<u32> {
    (0..n).map(|i| stream.words(i, 0)[0]).collect()
}
