//! TokenRows: one row of logits and a label per token.
//!
//! | role | array | shape |
//! |---|---|---|
//! | differentiable | `logits` | `[n, v]`, any row stride |
//! | words | `labels` | `[n]`, i32 |
//! | result of `forward` | planes [`PLANES`] | `[6, n]` |
//! | result of `backward` | `d_logits` | `[n, v]`, packed |
//!
//! Logits in any unit-free scale; log-probabilities, logsumexp and entropy in nats. A −∞ logit is a banned token:
//! probability 0. A row whose label is `ignore_index` is not read; its outputs and gradients are 0.

use super::args::args;

/// The planes of the forward result.
pub const PLANES: [&str; 6] = ["logp", "lse", "entropy", "max", "log_sum", "status"];
/// Plane of the label's log-probability.
pub const LOGP: usize = 0;
/// Plane of the logsumexp.
pub const LSE: usize = 1;
/// Plane of the entropy.
pub const ENTROPY: usize = 2;
/// Plane of the row's largest (scaled) logit: with [`LOG_SUM`] the state that `backward` starts from.
pub const MAX: usize = 3;
/// Plane of `ln Σ exp(x − max)`: together with [`MAX`] it holds more digits than the logsumexp does.
pub const LOG_SUM: usize = 4;
/// Plane of the [status](crate::status).
pub const STATUS: usize = 5;

/// The planes of upstream gradients that `backward` takes, in order.
pub const UPSTREAM: [&str; 3] = ["d_logp", "d_lse", "d_entropy"];

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

args! {
    /// Arguments of `forward`.
    ForwardArgs {
        /// Rows of this dispatch.
        n: u32,
        /// Logits per row.
        v: u32,
        /// Rows before this dispatch: labels and results are counted from the first row of all.
        row_base: u32,
        /// Where the first logit of the dispatch stands.
        logits_offset: u32,
        /// Elements from one row of logits to the next.
        logits_stride: u32,
        /// Where the label of row 0 stands.
        labels_offset: u32,
        /// Rows per sequence.
        seq_len: u32,
        /// 0: aligned, 1: row `t` scores label `t + 1`.
        shift: u32,
        /// The label that is not counted, as two's complement.
        ignore_index: u32,
        /// Where plane 0 of the result begins.
        result_offset: u32,
        /// Elements from one plane to the next.
        result_stride: u32,
        /// Zero.
        pad0: u32,
    }
}

args! {
    /// Arguments of `backward`.
    BackwardArgs {
        /// Rows of this dispatch.
        n: u32,
        /// Logits per row.
        v: u32,
        /// Rows before this dispatch.
        row_base: u32,
        /// Where the first logit of the dispatch stands.
        logits_offset: u32,
        /// Elements from one row of logits to the next.
        logits_stride: u32,
        /// Where the label of row 0 stands.
        labels_offset: u32,
        /// Rows per sequence.
        seq_len: u32,
        /// 0: aligned, 1: row `t` scores label `t + 1`.
        shift: u32,
        /// The label that is not counted, as two's complement.
        ignore_index: u32,
        /// Where plane 0 of `forward`'s result begins in `rows`.
        saved_offset: u32,
        /// Elements from one saved plane to the next.
        saved_stride: u32,
        /// Where the first upstream plane begins in `rows`.
        upstream_offset: u32,
        /// Elements from one upstream plane to the next.
        upstream_stride: u32,
        /// Which upstream planes are there: bit i for `UPSTREAM[i]`; an absent one counts as 0 and is not read.
        upstream_mask: u32,
        /// Where the gradient of the dispatch's first logit goes.
        result_offset: u32,
        /// Elements from one row of gradients to the next.
        result_stride: u32,
    }
}
