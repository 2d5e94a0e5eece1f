//! TopRows: the k largest of one row of logits per token.
//!
//! | role | array | shape |
//! |---|---|---|
//! | differentiable | `logits` | `[n, v]`, any row stride; f32, f16 or bf16 ([`Storage`](crate::Storage)) |
//! | words | `labels`, and a `mask` where there is one | `[n]` each, i32 |
//! | result of `forward` | k planes `logp`, k planes `index`, then [`TAIL`] | `[2 k + 6, n]` |
//! | result of `backward` | `d_logits`, stored as the logits are | `[n, v]`, any row stride |
//!
//! Logits, banned tokens, labels and masks are those of [`token_rows`](super::token_rows), and so is the argument block
//! of every kernel. A label only says whether its row counts, but one out of range is refused as there. An index is a
//! number: exact, since a row has at most 2²⁴ columns.
//!
//! A row that is cut into parts has a state per part: [`STATE`], then k planes of logits and k of their columns, as they
//! stand in the row.

/// The largest k: a lane's list lies in its own memory.
pub const MOST_K: usize = 64;

/// The planes behind those of `logp` and `index`.
pub const TAIL: [&str; 6] = ["mass", "entropy", "lse", "max", "log_sum", "status"];
/// Of [`TAIL`], the sum of the k probabilities.
pub const MASS: usize = 0;
/// Of [`TAIL`], the entropy of the k probabilities.
pub const ENTROPY: usize = 1;
/// Of [`TAIL`], the logsumexp of the whole row.
pub const LSE: usize = 2;
/// Of [`TAIL`], the row's largest (scaled) logit: with [`LOG_SUM`] the state that `backward` starts from.
pub const MAX: usize = 3;
/// Of [`TAIL`], `ln Σ exp(x − max)`.
pub const LOG_SUM: usize = 4;
/// Of [`TAIL`], the [status](crate::status).
pub const STATUS: usize = 5;

/// The upstream gradients that `backward` takes: a plane each, and k planes of the last.
pub const UPSTREAM: [&str; 4] = ["d_mass", "d_entropy", "d_lse", "d_logp"];
/// Of [`UPSTREAM`], the one with k planes.
pub const D_LOGP: usize = 3;

/// The planes of a part's state, before those of its k largest logits.
///
/// `top`, `rest` and `allowed` as in [`token_rows::STATE`](super::token_rows::STATE), `status` bits.
pub const STATE: [&str; 4] = ["top", "rest", "allowed", "status"];

/// The index of an entry that is not there: no column.
pub const NO_TOKEN: f32 = super::token_rows::MOST_COLUMNS as f32;

/// Planes of the result.
#[must_use]
pub const fn planes(k: usize) -> usize {
    2 * k + TAIL.len()
}

/// The plane of the log-probability of rank `rank`.
#[must_use]
pub const fn logp(rank: usize) -> usize {
    rank
}

/// The plane of the index of rank `rank`.
#[must_use]
pub const fn index(k: usize, rank: usize) -> usize {
    k + rank
}

/// The plane of one of [`TAIL`].
#[must_use]
pub const fn tail(k: usize, which: usize) -> usize {
    2 * k + which
}

/// Planes of upstream gradients.
#[must_use]
pub const fn upstream(k: usize) -> usize {
    D_LOGP + k
}
