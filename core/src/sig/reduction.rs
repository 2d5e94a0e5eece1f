//! How rows become one number.

use crate::Error;
use crate::op::require;

/// How a loss per row becomes one number. The denominator is passed in, so that eight micro-batches of one equal one
/// batch of eight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reduction {
    /// The sum over rows.
    Sum,
    /// The sum over rows, divided by `over`: the number of rows of the whole batch, whoever holds them.
    Mean {
        /// The denominator; ≥ 1.
        over: u32,
    },
}

impl Reduction {
    /// What each row's loss and gradient is multiplied by.
    #[must_use]
    pub fn scale(self) -> f64 {
        match self {
            Self::Sum => 1.0,
            Self::Mean { over } => 1.0 / f64::from(over),
        }
    }

    /// Whether the denominator is usable.
    ///
    /// # Errors
    /// `over` is 0.
    pub const fn check(self, op: &'static str) -> Result<(), Error> {
        match self {
            Self::Sum => Ok(()),
            Self::Mean { over } => require(over > 0, op, "reduction.over", over as f64, ">= 1"),
        }
    }
}
