//! FusedLinear: hidden states, LM-head weight and a label per token; the logits never stand in memory as a whole.
//!
//! | role | array | shape |
//! |---|---|---|
//! | differentiable | `hidden` | `[n, h]` |
//! | differentiable | `weight` | `[v, h]`: `logits = hidden · weightᵀ + bias` |
//! | differentiable | `bias`, where there is one | `[v]`, f32 |
//! | words | `labels` | `[n]`, i32 |
//! | result of `forward` | planes [`PLANES`](super::token_rows::PLANES) | `[10, n]` |
//! | result of `backward` | `d_hidden`, `d_weight`, `d_bias`, f32 | `[n, h]`, `[v, h]`, `[v]` |
//! | scratch | a tile of logits, and states of its rows | `[chunk, columns]`, `[9, ⌈v / 2048⌉, chunk]` |
//!
//! Hidden states and weight in f32, f16 or bf16 ([`Storage`](crate::Storage)), everything else in f32. Logits are formed
//! a tile at a time by the kernel `product_wide`, read by the [TokenRows](super::token_rows) kernels (`partial`,
//! `finish`, `backward_in_place`), and thrown away. A tile is a multiple of [`CHUNK`] rows and of [`COLUMNS`] columns
//! (or all); results do not depend on how many, in bits.

use super::args::args;

/// Rows and columns of the tile that one workgroup of `product` computes. Its innermost sums are of 16 terms.
pub const TILE: usize = 64;

/// Rows by which a chunk grows. `product` sums blocks of as many terms before it adds them to what `c` holds, so a sum
/// over tokens that comes in chunks of this size has the same bits as one that comes whole.
pub const CHUNK: usize = 256;

/// `b` as it is.
pub const B_PLAIN: u32 = 0;
/// A NaN or infinity of `b` counts as 0. For the gradient of the weight, where the hidden state of a row that is not
/// counted may be anything; a counted row's NaN has reached `a` by then.
pub const B_FINITE: u32 = 1;
/// 1 everywhere, and not read: for the gradient of the bias.
pub const B_ONES: u32 = 2;

/// Columns by which a tile grows: the rows' states are made of as many, so tiles do not show.
pub const COLUMNS: usize = 2048;

args! {
    /// Arguments of `product` and `product_wide`: `c[i, j] (+)= Σ_k a[i, k] · b[j, k] (+ bias[j])`, each factor with two
    /// strides, so that one kernel forms logits and the gradients of hidden states, weight and bias.
    ProductArgs {
        /// Rows of `c`.
        rows: u32,
        /// Columns of `c`.
        cols: u32,
        /// Terms of each sum.
        terms: u32,
        /// 1: add to what `c` holds; 0: overwrite.
        accumulate: u32,
        /// Where `a[0, 0]` stands.
        a_offset: u32,
        /// Elements from `a[i, k]` to `a[i + 1, k]`.
        a_row: u32,
        /// Elements from `a[i, k]` to `a[i, k + 1]`.
        a_term: u32,
        /// Where `b[0, 0]` stands.
        b_offset: u32,
        /// Elements from `b[j, k]` to `b[j + 1, k]`.
        b_row: u32,
        /// Elements from `b[j, k]` to `b[j, k + 1]`.
        b_term: u32,
        /// [`B_PLAIN`], [`B_FINITE`] or [`B_ONES`]: how `b` is read.
        b_mode: u32,
        /// Where `c[0, 0]` stands.
        c_offset: u32,
        /// Elements from `c[i, j]` to `c[i + 1, j]`.
        c_row: u32,
        /// Where `bias[0]` stands.
        bias_offset: u32,
        /// 1: add the bias; 0: it is not read.
        biased: u32,
        /// Zero.
        pad0: u32,
    }
}
