//! What every pair loss shares: the way from log-probabilities to the two scores of a link.

use super::Score;
use crate::Error;
use crate::op::{Op, require};

/// A link: the loss of two scores.
///
/// `S_w, S_l` are the scores of the chosen and the rejected response (see [`PairLoss`]); a link sees nothing else.
pub trait Link: Op {
    /// Whether the link depends on `S_w − S_l` alone. Only then do f-divergence scores mean anything: they come from
    /// the difference of two KKT conditions, in which the normaliser cancels (Wang et al. 2023, eq. 9).
    const DIFFERENCE: bool;
    /// Whether the link reads `z`, and so sees margins.
    const MARGIN: bool = Self::DIFFERENCE;
    /// Whether scores must be log-probabilities, at most 0: no reference, no f-divergence.
    const LOG_PROBABILITY: bool = false;
}

/// What a score is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Length {
    /// Nothing: log-probabilities are sums over tokens.
    #[default]
    Sum,
    /// The number of tokens of the response, after the score map.
    TokenMean,
    /// The number of tokens, before the score map: `S = s(u/n)`. The same as [`TokenMean`](Self::TokenMean) for plain
    /// log-ratios; what AlphaPO does.
    MeanLogp,
}

/// What is known of the labels: with which weights a loss `ℓ` and its flipped twin `ℓ'` (chosen and rejected
/// exchanged) are added. Pairs with a probability of their own (`preference`) need none of this.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Noise {
    /// Labels are right: `ℓ`.
    #[default]
    None,
    /// `(1−ε)ℓ + εℓ'`: the expected loss when labels are flipped with probability ε (conservative DPO).
    Conservative {
        /// `ε`; in [0, ½).
        label_smoothing: f64,
    },
    /// `((1−ε)ℓ − εℓ')/(1−2ε)`: its mean over labels flipped with probability ε is the loss without noise (robust DPO,
    /// Chowdhury et al. 2024). Negative values are right.
    Corrected {
        /// `ε`; in [0, ½).
        label_smoothing: f64,
    },
}

/// A term `−λ log π(y_w)` that keeps the chosen response likely.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Sft {
    /// None.
    #[default]
    None,
    /// `−λ logp_w`.
    Sum(f64),
    /// `−λ logp_w / n_w`.
    TokenMean(f64),
}

/// What is logged as the reward of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Reward {
    /// `β(logp − ref_logp)`: the implicit reward, whatever score map, length rule and reference the loss has.
    #[default]
    LogRatio,
    /// `β S`, the score as the loss sees it: what trainers without a reference log.
    Score,
}

/// A pair loss: `L = link(S_w, S_l, z) − λ log π(y_w) + α log π(y_l)`, with `S_i = s(u_i)/n_i`.
///
/// `u_i = logp_i − ref_logp_i` (or `logp_i` when [`reference_free`](Self::reference_free)), `s` is the [`Score`],
/// `n_i` the number of tokens under [`Length::TokenMean`] and 1 under [`Length::Sum`]; `z = β(S_w − S_l) − γ − γ_i`,
/// `γ` the [`margin`](Self::margin) and `γ_i` the pair's own. [`Noise`], or the pair's own probability `p_i` that the
/// label is right, mixes the link's loss with that of the exchanged pair: `p ℓ(S_w, S_l, z) + (1−p) ℓ(S_l, S_w, −z)`.
/// All of it is multiplied by the pair's weight `w_i`. What is the pair's own is an input, without gradient.
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
    /// Whether the loss leaves the reference out.
    pub reference_free: bool,
    /// What is logged as the reward.
    pub reward: Reward,
    /// γ: what `β(S_w − S_l)` should exceed.
    pub margin: f64,
    /// What is known of the labels.
    pub noise: Noise,
    /// A term that keeps the chosen response likely.
    pub sft: Sft,
    /// α: weight of `+log π(y_l)`, the optimism of XPO, where the second response is the reference's.
    pub optimism: f64,
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
        Self {
            beta,
            score: Score::ReverseKl,
            length: Length::Sum,
            reference_free: false,
            reward: Reward::LogRatio,
            margin: 0.0,
            noise: Noise::None,
            sft: Sft::None,
            optimism: 0.0,
            link,
        }
    }

    /// The same composition around another link.
    pub fn with<M>(self, link: M) -> PairLoss<M> {
        let Self { beta, score, length, reference_free, reward, margin, noise, sft, optimism, .. } = self;
        PairLoss { beta, score, length, reference_free, reward, margin, noise, sft, optimism, link }
    }

    /// Whether the reference is read: by the loss, or for rewards.
    #[must_use]
    pub const fn reads_reference(&self) -> bool {
        !(self.reference_free && matches!(self.reward, Reward::Score))
    }

    /// Whether lengths are read.
    #[must_use]
    pub const fn reads_lengths(&self) -> bool {
        !matches!(self.length, Length::Sum) || matches!(self.sft, Sft::TokenMean(_))
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
        require(self.margin.is_finite(), op, "margin", self.margin, "finite")?;
        require(self.optimism.is_finite(), op, "optimism", self.optimism, "finite")?;
        if let Sft::Sum(weight) | Sft::TokenMean(weight) = self.sft {
            require(weight >= 0.0 && weight.is_finite(), op, "sft", weight, ">= 0 and finite")?;
        }
        if let Noise::Conservative { label_smoothing: e } | Noise::Corrected { label_smoothing: e } =
            self.noise
        {
            require((0.0..0.5).contains(&e), op, "label_smoothing", e, "in [0, 0.5)")?;
        }
        self.score.check(op)?;
        self.check_combination()?;
        self.link.check()
    }

    fn check_combination(&self) -> Result<(), Error> {
        let refuse =
            |arg, why| Err(Error::InvalidCombination { op: L::SPEC.slug, arg, with: "this link", why });
        let divergence = !matches!(self.score, Score::ReverseKl | Score::ClippedRatio { .. });
        if divergence && !L::DIFFERENCE {
            return refuse("score", "an f-divergence is defined for losses of the difference of scores only");
        }
        if self.margin.abs() > 0.0 && !L::MARGIN {
            return refuse("margin", "the link does not read the difference of scores");
        }
        if L::LOG_PROBABILITY && !(self.reference_free && self.score == Score::ReverseKl) {
            return refuse(
                "reference_free",
                "the link takes log-probabilities, without reference and score map",
            );
        }
        Ok(())
    }
}

impl Length {
    /// The rule as the kernels know it.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::Sum => 0,
            Self::TokenMean => 1,
            Self::MeanLogp => 2,
        }
    }
}

impl Noise {
    /// The weights of the loss and of the exchanged pair's: they add up to 1.
    #[must_use]
    pub fn weights(self) -> [f64; 2] {
        match self {
            Self::None => [1.0, 0.0],
            Self::Conservative { label_smoothing: e } => [1.0 - e, e],
            Self::Corrected { label_smoothing: e } => [(1.0 - e) / (1.0 - 2.0 * e), -e / (1.0 - 2.0 * e)],
        }
    }
}

impl Sft {
    /// The term as the kernels know it: its weight, and 1 where it is divided by the length.
    #[must_use]
    pub const fn code(self) -> (f64, u32) {
        match self {
            Self::None => (0.0, 0),
            Self::Sum(weight) => (weight, 0),
            Self::TokenMean(weight) => (weight, 1),
        }
    }
}
