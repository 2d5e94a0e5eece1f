//! Signatures: everything about an operator that is not its mathematics.
//!
//! Bindings follow one order everywhere: differentiable inputs, constant inputs, words (labels, masks, offsets),
//! result, arguments. Several arrays of one role are *planes* of one buffer: each has an offset and a stride, in
//! elements, in the argument block, so that one text serves concatenated, interleaved and pooled layouts. The result
//! is one packed buffer: outputs, then gradients, then the [status](crate::status), a plane each.

mod args;
pub mod fused_linear;
pub mod list_rows;
pub mod logit_pairs;
pub mod pair_rows;
pub mod policy_rows;
pub mod reduction;
pub mod reverse_scan;
pub mod segment_stats;
pub mod token_map;
pub mod token_rows;
pub mod top_rows;

pub use reduction::Reduction;

/// The shapes that operators share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signature {
    /// Logits and labels per token: [`token_rows`].
    TokenRows,
    /// The k largest of the logits of each token: [`top_rows`].
    TopRows,
    /// Two rows of logits and labels per token: [`logit_pairs`].
    LogitPairs,
    /// Hidden states, LM-head weight and labels per token: [`fused_linear`].
    FusedLinear,
    /// Values per element and segments: [`segment_stats`].
    SegmentStats,
    /// Log-probabilities of chosen and rejected responses: [`pair_rows`].
    PairRows,
    /// Arrays per token, element by element: [`token_map`].
    TokenMap,
    /// Lists of responses, a loss per list: [`list_rows`].
    ListRows,
    /// Arrays per step, an affine recurrence from the end: [`reverse_scan`].
    ReverseScan,
    /// Log-probabilities and advantages of sequences, a loss per sequence: [`policy_rows`].
    PolicyRows,
}

impl Signature {
    /// The name, as in the registry.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TokenRows => "TokenRows",
            Self::TopRows => "TopRows",
            Self::LogitPairs => "LogitPairs",
            Self::FusedLinear => "FusedLinear",
            Self::SegmentStats => "SegmentStats",
            Self::PairRows => "PairRows",
            Self::TokenMap => "TokenMap",
            Self::ListRows => "ListRows",
            Self::ReverseScan => "ReverseScan",
            Self::PolicyRows => "PolicyRows",
        }
    }
}
