//! Named methods: each is a composition with its paper's defaults.

use super::{Aggregate, Cispo, Clip, Gmpo, Level, PolicyLoss, Sapo, Surrogate, Vespo};
use crate::op::{Op, Paper};

/// One named method, as the catalogue shows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preset {
    /// `policy/name`.
    pub slug: &'static str,
    /// The surrogate's slug.
    pub surrogate: &'static str,
    /// The surrogate's parameters.
    pub params: &'static [(&'static str, f64)],
    /// Everything but the surrogate.
    pub rule: PolicyLoss<()>,
    /// The composition as written below.
    pub composition: &'static str,
    /// Where it is published.
    pub paper: Paper,
}

const fn slug_of<S: Surrogate>(_: &PolicyLoss<S>) -> &'static str {
    <S as Op>::SPEC.slug
}

/// No dual clip.
const NONE: f64 = Clip::UNCAPPED;

macro_rules! presets {
    ($($(#[$doc:meta])* $name:ident $slug:literal: $surrogate:ident { $($field:ident: $value:expr),* }
        $(, $set:ident: $to:expr)*; $authors:literal, $id:literal, $place:literal;)*) => {
        $($(#[$doc])* pub const $name: PolicyLoss<$surrogate> =
            PolicyLoss { $($set: $to,)* ..PolicyLoss::new($surrogate { $($field: $value),* }) };)*
        /// Every named method.
        pub const ALL: &[Preset] = &[$(Preset {
            slug: $slug,
            surrogate: slug_of(&$name),
            params: &[$((stringify!($field), $value)),*],
            rule: PolicyLoss { $($set: $to,)* ..PolicyLoss::new(()) },
            composition: concat!(
                stringify!($surrogate), $(" ", stringify!($field), " = ", stringify!($value),)*
                $(", ", stringify!($set), " = ", stringify!($to)),*
            ),
            paper: Paper { authors: $authors, id: $id, place: $place },
        }),*];
        #[cfg(test)]
        #[test]
        fn every_preset_is_valid() {
            $(assert_eq!($name.check(), Ok(()), $slug);)*
        }
    };
}

presets! {
    /// Proximal policy optimisation: advantages per token, the mean over all tokens.
    PPO "policy/ppo": Clip { epsilon_low: 0.2, epsilon_high: 0.2, delta: NONE }, aggregate: Aggregate::TokenMean;
        "Schulman et al. 2017", "arXiv:1707.06347", "eq. 7";
    /// PPO with a dual clip: a bad token's ratio counts up to 3.
    PPO_DUAL_CLIP "policy/ppo_dual_clip": Clip { epsilon_low: 0.2, epsilon_high: 0.2, delta: 3.0 },
        aggregate: Aggregate::TokenMean; "Ye et al. 2019", "arXiv:1912.09729", "dual clip";
    /// Group-relative policy optimisation: means over sequences of means over tokens, and the divergence from a reference.
    GRPO "policy/grpo": Clip { epsilon_low: 0.2, epsilon_high: 0.2, delta: NONE }, beta: 0.04;
        "Shao et al. 2024", "arXiv:2402.03300", "eq. 3";
    /// GRPO with the mean over all tokens of the batch (TRL's `bnpo`).
    GRPO_TOKEN_MEAN "policy/grpo_token_mean": Clip { epsilon_low: 0.2, epsilon_high: 0.2, delta: NONE },
        aggregate: Aggregate::TokenMean; "Xiao et al. 2025", "arXiv:2506.02864", "the loss as TRL has it; its normalised advantages are inputs";
    /// GRPO done right: a constant denominator, so that long wrong answers weigh what short ones do.
    DR_GRPO "policy/dr_grpo": Clip { epsilon_low: 0.2, epsilon_high: 0.2, delta: NONE }, aggregate: Aggregate::Constant;
        "Liu et al. 2025", "arXiv:2503.20783", "section 3.2";
    /// Decoupled clip (clip-higher) and the mean over all tokens: ByteDance's DAPO, not Direct Advantage PO.
    DAPO_CLIP_HIGHER "policy/dapo_clip_higher": Clip { epsilon_low: 0.2, epsilon_high: 0.28, delta: NONE },
        aggregate: Aggregate::TokenMean; "Yu et al. 2025", "arXiv:2503.14476", "eq. 8";
    /// Group sequence policy optimisation: one ratio per sequence, normalised by its length.
    GSPO "policy/gspo": Clip { epsilon_low: 3e-4, epsilon_high: 4e-4, delta: NONE }, level: Level::Sequence;
        "Zheng et al. 2025", "arXiv:2507.18071", "eq. 5";
    /// GSPO with the gradient of each token's own ratio, for advantages per token.
    GSPO_TOKEN "policy/gspo_token": Clip { epsilon_low: 3e-4, epsilon_high: 4e-4, delta: NONE }, level: Level::SequenceToken;
        "Zheng et al. 2025", "arXiv:2507.18071", "eq. 13";
    /// Length-unbiased sequence policy optimisation: GSPO with sums over tokens.
    LUSPO "policy/luspo": Clip { epsilon_low: 0.2, epsilon_high: 0.2, delta: NONE }, level: Level::Sequence, aggregate: Aggregate::SequenceSum;
        "Liu et al. 2026", "arXiv:2602.05261", "as TRL 1.16 aggregates";
    /// Clipped importance weights and a policy gradient on every token, the mean over all tokens.
    CISPO "policy/cispo_token_mean": Cispo { epsilon_high: 5.0 }, aggregate: Aggregate::TokenMean;
        "MiniMax 2025", "arXiv:2506.13585", "eq. 4";
    /// Soft gates, means over sequences of means over tokens.
    SAPO "policy/sapo_sequence_mean": Sapo { temperature_pos: 1.0, temperature_neg: 1.05 };
        "Gao et al. 2025", "arXiv:2511.20347", "the soft gate";
    /// Gamma weights of the sequence's ratio, the mean over all tokens.
    VESPO "policy/vespo_token_mean": Vespo { k_pos: 2.0, lambda_pos: 3.0, k_neg: 3.0, lambda_neg: 2.0 },
        level: Level::SequenceSum, aggregate: Aggregate::TokenMean;
        "Shen et al. 2026", "arXiv:2602.10693", "the gamma weight, as TRL 1.16 computes it";
    /// The geometric mean of clipped ratios.
    GMPO "policy/gmpo_sequence": Gmpo { epsilon_low: 0.4, epsilon_high: 0.4 }, level: Level::Sequence;
        "Zhao et al. 2025", "arXiv:2507.20673", "eq. 4";
}
