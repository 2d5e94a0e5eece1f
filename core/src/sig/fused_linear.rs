//! FusedLinear: hidden states, LM-head weight and a label per token; the logits never stand in memory as a whole.
//!
//! | role | array | shape |
//! |---|---|---|
//! | differentiable | `hidden` | `[n, h]` |
//! | differentiable | `weight` | `[v, h]`: `logits = hidden · weightᵀ` |
//! | words | `labels` | `[n]`, i32 |
//! | result of `forward` | planes [`PLANES`](super::token_rows::PLANES) | `[6, n]` |
//! | result of `backward` | `d_hidden`, `d_weight` | `[n, h]`, `[v, h]` |
//! | scratch | `logits`, `d_logits` of one chunk of rows | `[chunk, v]` each |
//!
//! A chunk's logits are formed by the kernel `product`, read by the [TokenRows](super::token_rows) kernels, and
//! thrown away. The chunk is a multiple of [`CHUNK`] rows; results do not depend on how many, in bits.

use super::args::args;

/// Rows and columns of the tile that one workgroup of `product` computes, and terms of its innermost sum.
pub const TILE: usize = 16;

/// Rows by which a chunk grows. `product` sums blocks of as many terms before it adds them to what `c` holds, so a sum
/// over tokens that comes in chunks of this size has the same bits as one that comes whole.
pub const CHUNK: usize = 256;

args! {
    /// Arguments of `product`: `c[i, j] (+)= Σ_k a[i, k] · b[j, k]`, each factor with two strides, so that one kernel
    /// forms logits, the gradient of hidden states and the gradient of the weight.
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
        /// 1: a NaN or infinity of `b` counts as 0. For the gradient of the weight, where the hidden state of a row
        /// that is not counted may be anything; a counted row's NaN has reached `a` by then.
        b_finite: u32,
        /// Where `c[0, 0]` stands.
        c_offset: u32,
        /// Elements from `c[i, j]` to `c[i + 1, j]`.
        c_row: u32,
        /// Zero.
        pad0: u32,
        /// Zero.
        pad1: u32,
        /// Zero.
        pad2: u32,
    }
}
