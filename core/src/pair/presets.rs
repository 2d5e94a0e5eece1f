//! Named methods: each is a composition with its paper's defaults.

use super::{ApoZero, Hinge, Length, Link, Logistic, Nca, PairLoss, Robust, Sppo, Square};
use crate::op::{Op, Paper};

/// One named method, as the catalogue shows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preset {
    /// `pair/name`.
    pub slug: &'static str,
    /// The link's slug.
    pub link: &'static str,
    /// The link's parameters.
    pub params: &'static [(&'static str, f64)],
    /// What scores are divided by.
    pub length: Length,
    /// The composition as written below.
    pub composition: &'static str,
    /// Where it is published.
    pub paper: Paper,
}

/// Strength of the reference in every preset: TRL's default.
const BETA: f64 = 0.1;

const fn slug_of<L: Link>(_: &PairLoss<L>) -> &'static str {
    <L as Op>::SPEC.slug
}

macro_rules! presets {
    ($($(#[$doc:meta])* $name:ident $slug:literal: $link:ident { $($field:ident: $value:literal),* } $length:ident;
        $authors:literal, $id:literal, $place:literal;)*) => {
        $($(#[$doc])* pub const $name: PairLoss<$link> =
            PairLoss { length: Length::$length, ..PairLoss::new(BETA, $link { $($field: $value),* }) };)*
        /// Every named method.
        pub const ALL: &[Preset] = &[$(Preset {
            slug: $slug,
            link: slug_of(&$name),
            params: &[$((stringify!($field), $value)),*],
            length: Length::$length,
            composition: concat!(
                stringify!($link), $(" ", stringify!($field), " = ", stringify!($value),)* ", ", stringify!($length)
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
    /// Direct preference optimisation.
    DPO "pair/dpo": Logistic { label_smoothing: 0.0 } Sum;
        "Rafailov et al. 2023", "arXiv:2305.18290", "eq. 7";
    /// Conservative DPO: labels flipped with probability 0.1 (the loss under noise, not corrected for it).
    CDPO "pair/cdpo": Logistic { label_smoothing: 0.1 } Sum;
        "Mitchell 2023", "https://ericmitchell.ai/cdpo.pdf", "eq. 3";
    /// DPO on length-normalised log-ratios; TRL's `sigmoid_norm`.
    DPO_NORM "pair/dpo_norm": Logistic { label_smoothing: 0.0 } TokenMean;
        "Lambert et al. 2024", "arXiv:2411.15124", "section 5.1.2: length-normalised DPO";
    /// Robust DPO: unbiased under label noise 0.1.
    RDPO "pair/rdpo": Robust { label_smoothing: 0.1 } Sum;
        "Chowdhury et al. 2024", "arXiv:2403.00409", "eq. 12";
    /// Identity preference optimisation on summed log-probabilities: the paper's.
    IPO_SUM "pair/ipo_sum": Square {} Sum;
        "Azar et al. 2023", "arXiv:2310.12036", "eq. 17";
    /// Identity preference optimisation on token means: TRL's `ipo` since 1.0.
    IPO_TOKEN_MEAN "pair/ipo_token_mean": Square {} TokenMean;
        "Azar et al. 2023", "arXiv:2310.12036", "eq. 17, length-normalised";
    /// The hinge loss of SLiC and RSO on log-ratios to the reference.
    HINGE "pair/hinge_norm": Hinge {} Sum;
        "Liu et al. 2023", "arXiv:2309.06657", "eq. 11";
    /// Noise-contrastive alignment of pairs.
    NCA "pair/nca_pair": Nca {} Sum;
        "Chen et al. 2024", "arXiv:2402.05369", "eq. 12";
    /// Self-play preference optimisation with hard labels.
    SPPO_HARD "pair/sppo_hard": Sppo {} Sum;
        "Wu et al. 2024", "arXiv:2405.00675", "eq. 4.6";
    /// Anchored preference optimisation, zero anchor.
    APO_ZERO "pair/apo_zero_pair": ApoZero {} Sum;
        "D'Oosterlinck et al. 2024", "arXiv:2408.06266", "section 3";
}
