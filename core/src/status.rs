//! The status word of a row: what a kernel found wrong with its inputs.
//!
//! A kernel cannot return an error, and a NaN may be optimised away. So every row has a status, a small sum of the
//! bits below, stored as a *number* (1.0, 2.0, …) in the last plane of the result; 0.0 is a good row. Rows with a
//! [`POISON`] bit hold NaN in their outputs, and zero in nothing: a wrong number that looks plausible is never written.

/// An active input is NaN.
pub const NAN: u32 = 1;
/// An active input is +∞, or −∞ where −∞ has no meaning.
pub const INFINITE: u32 = 2;
/// Every logit of the row is −∞.
pub const EMPTY_SUPPORT: u32 = 4;
/// The label is neither `ignore_index` nor in `0..V`.
pub const LABEL_RANGE: u32 = 8;
/// The label's logit is −∞: its log-probability is −∞, and every other output is right.
pub const IMPOSSIBLE_LABEL: u32 = 16;
/// The segment keeps no element, or the list fewer than its loss needs: results are given as 0.
pub const EMPTY_SEGMENT: u32 = 32;
/// An output is +∞: one of the two distributions allows a token that the other bans.
pub const DISJOINT: u32 = 64;
/// An active input is finite and outside what the operator is defined for.
pub const DOMAIN: u32 = 128;

/// Bits that make the outputs of a row NaN.
pub const POISON: u32 = NAN | INFINITE | EMPTY_SUPPORT | LABEL_RANGE | DOMAIN;

/// The words of a status, for reports.
#[must_use]
pub const fn name(bit: u32) -> &'static str {
    match bit {
        NAN => "NaN input",
        INFINITE => "infinite input",
        EMPTY_SUPPORT => "all logits -inf",
        LABEL_RANGE => "label out of range",
        IMPOSSIBLE_LABEL => "label has probability 0",
        EMPTY_SEGMENT => "too few elements",
        DISJOINT => "infinite divergence",
        DOMAIN => "input outside the domain",
        _ => "unknown",
    }
}
