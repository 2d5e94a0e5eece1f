//! LogitPairs: two rows of logits per token, a policy's and a reference's, and a label.
//!
//! | role | array | shape |
//! |---|---|---|
//! | differentiable | `logits` | `[n, v]`, any row stride |
//! | differentiable | `ref_logits` | `[n, v]`, a row stride of its own |
//! | words | `labels`, and a `mask` where there is one | `[n]` each, i32 |
//! | result of `forward` | planes: [`KL_PLANES`] or [`DIVERGENCE_PLANES`] | `[10, n]` |
//! | result of `backward` | `d_logits`, or `d_ref_logits` of a second dispatch | `[n, v]` |
//!
//! Both rows are scaled, capped and divided by one temperature as [`Token`] does; divergences and entropy in nats. A −∞
//! logit is a banned token, of probability 0; a token banned in both rows counts for nothing. A row whose label is
//! `ignore_index`, or whose mask is 0, is not read; its outputs and gradients are 0.
//!
//! Both matrices stand in f32, f16 or bf16 ([`Storage`](crate::Storage)), the gradients as the logits do, correctly rounded;
//! everything is computed in f32.
//!
//! Each dispatch of `backward` reads both rows once and writes one gradient, so a frozen reference costs nothing.
//! `backward_in_place` writes it over the logits that it is by; the other matrix stays as it is.

use super::args::args;
use super::token_rows::Labels;
use crate::logprob::Token;
use crate::op::Op;

/// How many planes the forward result has.
pub const PLANES: usize = 10;
/// Plane of the label's log-probability under the policy.
pub const LOGP: usize = 0;
/// Plane of the label's log-probability under the reference.
pub const REF_LOGP: usize = 1;
/// Plane of the policy's largest (scaled) logit; with the next three the state that `backward` starts from.
pub const MAX: usize = 2;
/// Plane of `ln Σ exp(x − max)` of the policy.
pub const LOG_SUM: usize = 3;
/// Plane of the reference's largest (scaled) logit.
pub const REF_MAX: usize = 4;
/// Plane of `ln Σ exp(r − max)` of the reference.
pub const REF_LOG_SUM: usize = 5;
/// Plane of the forward divergence, or of the only one.
pub const VALUE: usize = 6;
/// Plane of the reverse divergence of [`Kl`](crate::logprob::Kl).
pub const KL_REVERSE: usize = 7;
/// Plane of the policy's entropy, of [`Kl`](crate::logprob::Kl).
pub const ENTROPY: usize = 8;
/// Plane of the [status](crate::status).
pub const STATUS: usize = 9;

/// The planes of [`Kl`](crate::logprob::Kl).
pub const KL_PLANES: [&str; PLANES] = [
    "logp",
    "ref_logp",
    "max",
    "log_sum",
    "ref_max",
    "ref_log_sum",
    "kl_forward",
    "kl_reverse",
    "entropy",
    "status",
];

/// The planes of a divergence that is formed in a second traversal: behind its value the mean slopes `E_p[w]` and
/// `E_q[w′]` that its gradients `p(w − E_p[w])` and `q(w′ − E_q[w′])` start from.
pub const DIVERGENCE_PLANES: [&str; PLANES] = [
    "logp",
    "ref_logp",
    "max",
    "log_sum",
    "ref_max",
    "ref_log_sum",
    "divergence",
    "mean_slope",
    "mean_ref_slope",
    "status",
];

/// The planes of upstream gradients that `backward` of [`Kl`](crate::logprob::Kl) takes, in order.
pub const KL_UPSTREAM: [&str; UPSTREAM] = ["d_logp", "d_kl_forward", "d_kl_reverse", "d_entropy"];
/// Those of a divergence of a second traversal.
pub const DIVERGENCE_UPSTREAM: [&str; 2] = ["d_logp", "d_divergence"];
/// The most planes of upstream gradients.
pub const UPSTREAM: usize = 4;

/// An operator of this signature.
pub trait LogitPairOp: Op {
    /// The planes of the forward result.
    const PLANES: &'static [&'static str; PLANES];
    /// The planes of upstream gradients.
    const UPSTREAM: &'static [&'static str];
    /// What scales and caps the logits of both rows.
    fn token(&self) -> Token;
    /// The same operator on logits that are scaled and capped so.
    #[must_use]
    fn with_token(self, token: Token) -> Self;
}

/// By which row of logits a gradient is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// By the policy's.
    Policy,
    /// By the reference's. Log-probability and entropy are the policy's, so their gradients are 0 here.
    Reference,
}

impl By {
    /// As the kernels read it.
    #[must_use]
    pub const fn word(self) -> u32 {
        match self {
            Self::Policy => 0,
            Self::Reference => 1,
        }
    }
}

/// Sizes, strides and label rules of both rows, in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairLayout {
    /// Logits per row.
    pub v: usize,
    /// From one row of the policy's logits to the next; at least `v`.
    pub stride: usize,
    /// From one row of the reference's logits to the next; at least `v`.
    pub ref_stride: usize,
    /// Which label scores which row, and which do not count.
    pub rules: Labels,
}

impl PairLayout {
    /// Rows without gaps.
    #[must_use]
    pub const fn packed(v: usize, rules: Labels) -> Self {
        Self { v, stride: v, ref_stride: v, rules }
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
        /// Where the policy's first logit of the dispatch stands.
        logits_offset: u32,
        /// Elements from one row of the policy's logits to the next.
        logits_stride: u32,
        /// Where the reference's first logit of the dispatch stands.
        ref_offset: u32,
        /// Elements from one row of the reference's logits to the next.
        ref_stride: u32,
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
        /// Where the mask of row 0 stands among the labels' words, or [`NO_MASK`](super::token_rows::NO_MASK).
        mask_offset: u32,
        /// Zero.
        pad1: u32,
        /// Zero.
        pad2: u32,
    }
}

args! {
    /// Arguments of `backward` and `backward_in_place`.
    BackwardArgs {
        /// Rows of this dispatch.
        n: u32,
        /// Logits per row.
        v: u32,
        /// Rows before this dispatch.
        row_base: u32,
        /// Where the policy's first logit of the dispatch stands.
        logits_offset: u32,
        /// Elements from one row of the policy's logits to the next.
        logits_stride: u32,
        /// Where the reference's first logit of the dispatch stands.
        ref_offset: u32,
        /// Elements from one row of the reference's logits to the next.
        ref_stride: u32,
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
        /// Which upstream planes are there: bit i for plane i; an absent one counts as 0 and is not read.
        upstream_mask: u32,
        /// Where the gradient of the dispatch's first logit goes.
        result_offset: u32,
        /// Elements from one row of gradients to the next.
        result_stride: u32,
        /// [`By`]: 0 for the gradient by the policy's logits, 1 for that by the reference's.
        by_reference: u32,
        /// Where the mask of row 0 stands among the labels' words, or [`NO_MASK`](super::token_rows::NO_MASK).
        mask_offset: u32,
        /// Columns before the first of this dispatch: labels count from the first column of all.
        column_base: u32,
        /// 1: add to what `result` holds, 0: overwrite it, as in place. What is NaN there stays.
        accumulate: u32,
        /// Zero.
        pad0: u32,
        /// Zero.
        pad1: u32,
    }
}
