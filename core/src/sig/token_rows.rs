//! TokenRows: one row of logits and a label per token.
//!
//! | role | array | shape |
//! |---|---|---|
//! | differentiable | `logits` | `[n, v]`, any row stride; f32, f16 or bf16 ([`Storage`](crate::Storage)) |
//! | words | `labels`, and a `mask` where there is one | `[n]` each, i32 |
//! | result of `forward` | planes [`PLANES`] | `[10, n]` |
//! | result of `backward` | `d_logits`, stored as the logits are | `[n, v]`, any row stride |
//!
//! Logits in any unit-free scale; log-probabilities, logsumexp and entropy in nats. A −∞ logit is a banned token:
//! probability 0. A row whose label is `ignore_index`, or whose mask is 0, is not read; its outputs and gradients are 0.
//!
//! # States
//!
//! What is known of some columns of a row is a *state*: planes [`STATE`]. States of neighbouring columns merge into the
//! state of both, in any grouping, so a row may be cut into parts: by the host, which gives few rows with a huge
//! vocabulary to many workgroups, and by a framework whose ranks hold shards of the vocabulary. Kernels: `partial` makes
//! states of parts, `finish` merges them into the planes. A row is always summed in parts of [`PART`] columns (counted
//! from the first column of the array), so cutting it there changes no bit.

mod args;
mod packed;

pub use packed::packed_labels;

pub use args::{BackwardArgs, FinishArgs, ForwardArgs, PartialArgs, StepArgs};

/// The planes of the forward result.
pub const PLANES: [&str; 10] =
    ["logp", "lse", "entropy", "log_sum_sq", "mean_logit", "top1", "max", "log_sum", "allowed", "status"];
/// Plane of the label's log-probability.
pub const LOGP: usize = 0;
/// Plane of the logsumexp.
pub const LSE: usize = 1;
/// Plane of the entropy.
pub const ENTROPY: usize = 2;
/// Plane of `ln Σ p²`: minus the Rényi entropy of order 2.
pub const LOG_SUM_SQ: usize = 3;
/// Plane of the mean (scaled) logit over the tokens that are not banned.
pub const MEAN_LOGIT: usize = 4;
/// Plane of 1 where the label's logit is the row's largest, the first of equal ones, else 0.
pub const TOP1: usize = 5;
/// Plane of the row's largest (scaled) logit: with [`LOG_SUM`] the state that `backward` starts from.
pub const MAX: usize = 6;
/// Plane of `ln Σ exp(x − max)`: together with [`MAX`] it holds more digits than the logsumexp does.
pub const LOG_SUM: usize = 7;
/// Plane of the number of tokens that are not banned.
pub const ALLOWED: usize = 8;
/// Plane of the [status](crate::status).
pub const STATUS: usize = 9;

/// The planes of upstream gradients that `backward` takes, in order; [`TOP1`] and what follows have no gradient.
pub const UPSTREAM: [&str; 5] = ["d_logp", "d_lse", "d_entropy", "d_log_sum_sq", "d_mean_logit"];

/// The planes of a state: of the columns `x` seen so far, scaled, banned ones left out.
///
/// `top` the largest (−f32::MAX where none), `rest = Σ exp(x − top) − 1`, `moment = Σ (x − top) exp(x − top)`,
/// `square = Σ exp(2 (x − top)) − 1`, `half_mean` of `x` (0 where none), `allowed` how many, `first` the column of the first largest (as a
/// number, exact below 2²⁴; 2²⁴ where none), `label` the label's logit (+∞ where another part has it), `status` bits.
pub const STATE: [&str; 9] =
    ["top", "rest", "moment", "square", "half_mean", "allowed", "first", "label", "status"];

/// Columns of a part: what one workgroup sums before it merges.
pub const PART: usize = 1 << 14;
/// Rows of up to so many columns share a workgroup.
pub const NARROW: usize = 1 << 8;
/// The most columns of a row: [`STATE`] counts them in f32.
pub const MOST_COLUMNS: usize = 1 << 24;
/// The mask's offset where there is no mask.
pub const NO_MASK: u32 = u32::MAX;

/// Which label scores which row of logits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shift {
    /// Row `t` of logits scores label `t` (the labels were shifted beforehand).
    Aligned,
    /// Row `t` of a sequence scores label `t + 1`; its last row scores nothing. The Hugging Face convention.
    Next,
}

/// How labels are laid out and which are not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Labels {
    /// The label of a row that is not counted; −100 by custom.
    pub ignore_index: i32,
    /// Which label scores which row.
    pub shift: Shift,
    /// Rows per sequence, for [`Shift::Next`]; every `seq_len` rows are one sequence.
    pub seq_len: usize,
}

impl Default for Labels {
    fn default() -> Self {
        Self { ignore_index: -100, shift: Shift::Aligned, seq_len: 1 }
    }
}

impl Labels {
    /// Labels of sequences of `seq_len` rows that score the next token.
    #[must_use]
    pub fn next(seq_len: usize) -> Self {
        Self { shift: Shift::Next, seq_len, ..Self::default() }
    }

    /// The position of the label that scores `row`, or `None` where nothing does.
    #[must_use]
    pub const fn position(&self, row: usize) -> Option<usize> {
        match self.shift {
            Shift::Aligned => Some(row),
            Shift::Next => match row.checked_add(1) {
                Some(next) if !next.is_multiple_of(self.seq_len) => Some(next),
                _ => None,
            },
        }
    }

    /// The label that scores `row`, or `None` where the row is not counted.
    #[must_use]
    pub fn of(&self, labels: &[i32], row: usize) -> Option<i32> {
        self.position(row).and_then(|i| labels.get(i)).copied().filter(|&label| label != self.ignore_index)
    }

    /// The shift as a number: how far behind its row a label stands.
    #[must_use]
    pub const fn distance(&self) -> u32 {
        match self.shift {
            Shift::Aligned => 0,
            Shift::Next => 1,
        }
    }
}
