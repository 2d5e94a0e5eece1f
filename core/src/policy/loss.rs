//! What every policy-gradient loss shares: ratios, divergence, aggregation.

use crate::Error;
use crate::op::{Op, require};
use crate::sig::Reduction;

/// What an operator of the family makes of a ratio and an advantage.
///
/// A surrogate is a function of `U`, the logarithm of the ratio at the loss's [`Level`], of the token's `logp` and of its
/// advantage. It is proportional to the advantage: a token with advantage 0 has no policy part.
pub trait Surrogate: Op {
    /// Names of what else it tells of a row: means over its tokens. Up to two.
    const METRICS: &'static [&'static str] = &[];
}

/// Whose ratio a token's surrogate sees. `u_t = logp_t − old_logp_t`, `n` the tokens of the row that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Level {
    /// Its own: `U_t = u_t`.
    #[default]
    Token,
    /// The sequence's, normalised by its length: `U = Σ u_t / n` (GSPO; with a clip of `u_t`, GMPO).
    Sequence,
    /// The value of [`Sequence`](Self::Sequence), the gradient of the token's own: `sg(U) + u_t − sg(u_t)` (GSPO-token).
    SequenceToken,
    /// The sequence's, not normalised: `U = Σ u_t` (VESPO).
    SequenceSum,
}

impl Level {
    /// The level as the kernels know it.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::Token => 0,
            Self::Sequence => 1,
            Self::SequenceToken => 2,
            Self::SequenceSum => 3,
        }
    }
}

/// How the tokens of a batch become one number.
///
/// What is divided inside a row is the loss's; what is divided outside is a [`Reduction`], whose denominator the caller
/// knows: that of the whole batch, whoever holds it. [`over`](Self::over) makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Aggregate {
    /// The mean over rows of the mean over a row's tokens (GRPO, SAPO, GSPO).
    #[default]
    SequenceMean,
    /// The mean over all tokens of the batch (BNPO, DAPO, CISPO, PPO).
    TokenMean,
    /// The sum over all tokens, divided by rows times a length that does not depend on them (Dr. GRPO).
    Constant,
    /// The mean over rows of the sum over a row's tokens (LUSPO).
    SequenceSum,
}

impl Aggregate {
    /// Whether a row's loss is a mean over its tokens; else it is their sum.
    #[must_use]
    pub const fn is_mean(self) -> bool {
        matches!(self, Self::SequenceMean)
    }

    /// The reduction over a batch of so many rows and counted tokens, `longest` the length that [`Constant`](Self::Constant)
    /// divides by.
    ///
    /// ```
    /// use bellwether_core::policy::Aggregate;
    /// use bellwether_core::sig::Reduction;
    /// assert_eq!(Aggregate::TokenMean.over(8, 500, 1024), Reduction::Mean { over: 500 });
    /// assert_eq!(Aggregate::Constant.over(8, 500, 1024), Reduction::Mean { over: 8192 });
    /// ```
    #[must_use]
    pub const fn over(self, rows: u32, tokens: u32, longest: u32) -> Reduction {
        let over = match self {
            Self::SequenceMean | Self::SequenceSum => rows,
            Self::TokenMean => tokens,
            Self::Constant => rows.saturating_mul(longest),
        };
        Reduction::Mean { over }
    }
}

/// A policy-gradient loss: per token `w f(U, logp, A) + β k`, aggregated.
///
/// `f` is the [`Surrogate`], `U` the log-ratio at the [`level`](Self::level), `A` the advantage, `w` the token's weight.
/// `k = e^d − 1 − d` with `d = ref_logp − logp` is the third estimate of the divergence from the reference (`logprob/k3`),
/// times the ratio `e^U` where [`corrected`](Self::corrected): an estimate made under the sampling policy, corrected for
/// it, gradient and all.
///
/// ```
/// use bellwether_core::policy::{PolicyLoss, presets};
/// let loss = PolicyLoss { beta: 0.04, ..presets::GRPO };
/// assert!(loss.check().is_ok());
/// assert!(PolicyLoss { beta: -1.0, ..presets::GRPO }.check().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PolicyLoss<S> {
    /// Whose ratio a token sees.
    pub level: Level,
    /// How tokens become one number.
    pub aggregate: Aggregate,
    /// Weight `β` of the divergence from the reference; ≥ 0.
    pub beta: f64,
    /// Whether the divergence is multiplied by the ratio.
    pub corrected: bool,
    /// What is made of ratio and advantage.
    pub surrogate: S,
}

impl<S: Surrogate> Default for PolicyLoss<S> {
    fn default() -> Self {
        Self::new(S::default())
    }
}

impl<S> PolicyLoss<S> {
    /// Ratios of tokens, means over sequences, no reference.
    #[must_use]
    pub const fn new(surrogate: S) -> Self {
        let (level, aggregate) = (Level::Token, Aggregate::SequenceMean);
        Self { level, aggregate, beta: 0.0, corrected: false, surrogate }
    }

    /// The same composition around another surrogate.
    pub fn with<R>(self, surrogate: R) -> PolicyLoss<R> {
        let Self { level, aggregate, beta, corrected, .. } = self;
        PolicyLoss { level, aggregate, beta, corrected, surrogate }
    }
}

impl<S: Surrogate> PolicyLoss<S> {
    /// Whether every parameter is in its range and the combination means something; `reference`: whether there is one.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] or [`Error::InvalidCombination`], naming the first fault.
    pub fn check_with(&self, reference: bool) -> Result<(), Error> {
        let op = S::SPEC.slug;
        require(self.beta >= 0.0 && self.beta.is_finite(), op, "beta", self.beta, ">= 0 and finite")?;
        if self.beta > 0.0 && !reference {
            let why = "a divergence is one from something";
            return Err(Error::InvalidCombination { op, arg: "beta", with: "no ref_logp", why });
        }
        self.surrogate.check()
    }

    /// The same with a reference.
    ///
    /// # Errors
    /// As [`check_with`](Self::check_with).
    pub fn check(&self) -> Result<(), Error> {
        self.check_with(true)
    }
}
