//! Random numbers as pure functions of a counter: no state, no order, the same integers on the CPU and in a kernel.
//!
//! [`Stream`] names a sequence by seed and number; element `i` of it is [`Stream::words`]`(i, block)`, four words of
//! 32 random bits out of [`philox4x32`]. What is made of a word is a function of that word alone:
//!
//! | function | from | result |
//! |---|---|---|
//! | [`uniform`] | a word | `[0, 1)`, 24 bits |
//! | [`uniform_nonzero`] | a word | `(0, 1]`, 24 bits |
//! | [`uniform_open`] | a word | `(0, 1)`, 24 significant bits |
//! | [`below`] | two words | `0..n` |
//! | [`gumbel`] | a word | Gumbel, in `[−2.82, 22.19]` |
//! | [`normal`] | a word | standard normal, in `[−6.34, 6.34]` |
//! | [`Stream::permute`] | a seed and a stream | element `i` of a permutation of `0..n` |
//!
//! Integers and uniforms of the kernels (`philox.wgsl`) are these in bits. Gumbel and normals (`noise.wgsl`) are within
//! a bound: what [`gumbel`] gives for [`Bound`](crate::Bound), and [`NORMAL_UNITS`].
//!
//! Not for secrets: whoever sees a few words may find the seed.
//!
//! ```
//! use bellwether_core::random::{Stream, below, gumbel};
//!
//! let stream = Stream { seed: 7, stream: 0 };
//! let [a, b, c, d] = stream.words(1_000_000, 0);
//! let noise: f64 = gumbel(a);
//! assert!(noise.is_finite() && below([b, c], 10) < 10);
//! assert_eq!(d, stream.words(1_000_000, 0)[3]);
//!
//! let mut shuffled = [0, 1, 2, 3, 4].map(|i| stream.permute(5, i));
//! shuffled.sort_unstable();
//! assert_eq!(shuffled, [0, 1, 2, 3, 4]);
//! ```

mod noise;
mod permute;
mod philox;
mod stream;
mod uniform;

pub use noise::{NORMAL_UNITS, gumbel, normal};
pub use permute::FIRST_PERMUTE_BLOCK;
pub use philox::philox4x32;
pub use stream::Stream;
pub use uniform::{below, uniform, uniform_nonzero, uniform_open};
