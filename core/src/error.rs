//! Errors of the contracts: each names the operator, the argument, what was given and what is allowed.

/// What a check of parameters, shapes or inputs can find wrong.
///
/// `op` is the operator's slug (`pair/logistic`), `arg` the argument's name as in the documentation.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are the words of the message above them")]
pub enum Error {
    /// A parameter outside its range.
    #[error("{op}: parameter {arg} is {given}, allowed is {allowed}")]
    InvalidParameter { op: &'static str, arg: &'static str, given: f64, allowed: &'static str },
    /// Two choices that mean nothing together.
    #[error("{op}: {arg} cannot be combined with {with}: {why}")]
    InvalidCombination { op: &'static str, arg: &'static str, with: &'static str, why: &'static str },
    /// A slice too short (or of the wrong length) for the shape.
    #[error("{op}: {arg} holds {given} elements, the shape needs {expected}")]
    ShapeMismatch { op: &'static str, arg: &'static str, expected: usize, given: usize },
    /// A product of sizes that no index can hold.
    #[error("{op}: the size of {arg} overflows the index type")]
    SizeOverflow { op: &'static str, arg: &'static str },
    /// A label or an offset outside its range.
    #[error("{op}: {arg}[{row}] is {index}, allowed is 0..{bound}")]
    IndexOutOfRange { op: &'static str, arg: &'static str, row: usize, index: i64, bound: usize },
    /// Two items of a list with one rank.
    #[error("{op}: rank {given} stands twice in list {row}; ranks are a permutation of 1..=length")]
    TiedRank { op: &'static str, row: usize, given: u32 },
    /// A NaN or an infinity where a number is needed.
    #[error("{op}: {arg} is {given} at row {row}, column {col}; every active element must be finite")]
    NonFinite { op: &'static str, arg: &'static str, row: usize, col: usize, given: f64 },
    /// A finite number that the operator is not defined for.
    #[error("{op}: {arg}[{row}] is {given}, allowed is {allowed}")]
    OutOfDomain { op: &'static str, arg: &'static str, row: usize, given: f64, allowed: &'static str },
    /// A row whose logits are all −∞: no distribution.
    #[error("{op}: all logits of row {row} are -inf")]
    EmptySupport { op: &'static str, row: usize },
    /// A mean over no element.
    #[error("{op}: {arg} {row} keeps no element, so its mean is undefined")]
    EmptyMean { op: &'static str, arg: &'static str, row: usize },
}
