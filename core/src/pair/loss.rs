//! What every pair loss shares: the way from log-probabilities to the two scores of a link.

use crate::Error;
use crate::op::{Op, require};

/// A link: the loss of two scores.
///
/// `S_w, S_l` are the scores of the chosen and the rejected response (see [`PairLoss`]); a link sees nothing else.
pub trait Link: Op {
    /// Whether the link depends on `S_w − S_l` alone. Only then do f-divergence scores mean anything: they come from
    /// the difference of two KKT conditions, in which the normaliser cancels (Wang et al. 2024, eq. 9).
    const DIFFERENCE: bool;
}

/// How a log-ratio `u` becomes a score: `f'(e^u)` of the f-divergence that regularises the policy, up to a constant.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Score {
    /// `s(u) = u`: the usual log-ratio.
    #[default]
    ReverseKl,
    /// `s(u) = 1 − e^{−u}`.
    ForwardKl,
    /// `s(u) = log 2 + log σ(u)`.
    JsDivergence,
    /// `s(u) = (e^{min((k−1)u, cap)} − 1)/(k − 1)`; `k = 1` is reverse KL. TRL's `f_alpha_divergence_coef` is this
    /// `k`; the paper's α is `1 − k`. Beyond the cap the gradient is 0.
    AlphaDivergence {
        /// `k`; finite.
        coef: f64,
        /// The largest exponent; TRL caps at 80, the paper not at all ([`Score::UNCAPPED`]).
        cap: f64,
    },
}

/// What a score is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Length {
    /// Nothing: log-probabilities are sums over tokens.
    #[default]
    Sum,
    /// The number of tokens of the response.
    TokenMean,
}

/// A pair loss: `L = link(S_w, S_l)`, with `S_i = s(u_i)/n_i`.
///
/// `u_i = logp_i − ref_logp_i` (or `logp_i` when [`reference_free`](Self::reference_free)), `s` is the [`Score`],
/// `n_i` the number of tokens under [`Length::TokenMean`] and 1 under [`Length::Sum`].
///
/// ```
/// use bellwether_core::pair::{PairLoss, presets};
/// let loss = PairLoss { beta: 0.2, ..presets::DPO };
/// assert!(loss.check().is_ok());
/// assert!(PairLoss { beta: 0.0, ..presets::DPO }.check().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairLoss<L> {
    /// Strength of the reference; > 0.
    pub beta: f64,
    /// How a log-ratio becomes a score.
    pub score: Score,
    /// What a score is divided by.
    pub length: Length,
    /// Whether the loss leaves the reference out. Rewards subtract it all the same.
    pub reference_free: bool,
    /// The link, with its own parameters.
    pub link: L,
}

impl<L: Link> Default for PairLoss<L> {
    fn default() -> Self {
        Self::new(0.1, L::default())
    }
}

impl<L> PairLoss<L> {
    /// The plain composition: log-ratios, sums over tokens.
    #[must_use]
    pub const fn new(beta: f64, link: L) -> Self {
        Self { beta, score: Score::ReverseKl, length: Length::Sum, reference_free: false, link }
    }
}

impl<L: Link> PairLoss<L> {
    /// Whether every parameter is in its range and the combination means something.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] or [`Error::InvalidCombination`], naming the first fault.
    pub fn check(&self) -> Result<(), Error> {
        let op = L::SPEC.slug;
        require(self.beta > 0.0 && self.beta.is_finite(), op, "beta", self.beta, "> 0 and finite")?;
        if let Score::AlphaDivergence { coef, cap } = self.score {
            require(coef.is_finite(), op, "coef", coef, "finite")?;
            require(cap > 0.0, op, "cap", cap, "> 0")?;
        }
        if self.score != Score::ReverseKl && !L::DIFFERENCE {
            let why = "an f-divergence is defined for losses of the difference of scores only";
            return Err(Error::InvalidCombination { op, arg: "score", with: "this link", why });
        }
        self.link.check()
    }
}

impl Score {
    /// No cap: the largest exponent that a kernel can be told of.
    pub const UNCAPPED: f64 = f32::MAX as f64;

    /// The score as the kernels know it: a number, a coefficient and a cap.
    #[must_use]
    pub const fn code(self) -> (u32, f64, f64) {
        match self {
            Self::ReverseKl => (0, 0.0, Self::UNCAPPED),
            Self::ForwardKl => (1, 0.0, Self::UNCAPPED),
            Self::JsDivergence => (2, 0.0, Self::UNCAPPED),
            Self::AlphaDivergence { coef, cap } => (3, coef, cap.min(Self::UNCAPPED)),
        }
    }
}

impl Length {
    /// The rule as the kernels know it.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::Sum => 0,
            Self::TokenMean => 1,
        }
    }
}
