//! Named methods: each is a composition with its paper's defaults.

use super::{ApoZero, Hinge, Link, Logistic, Nca, PairLoss, Robust, Sppo, Square};
use crate::op::{Op, Paper};

/// One named method, as the catalogue shows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preset {
    /// `pair/name`.
    pub slug: &'static str,
    /// The link's slug.
    pub link: &'static str,
    /// The composition as written below.
    pub composition: &'static str,
    /// Where it is published.
    pub paper: Paper,
}

const fn slug_of<L: Link>(_: &PairLoss<L>) -> &'static str {
    <L as Op>::SPEC.slug
}

macro_rules! presets {
    ($($(#[$doc:meta])* $name:ident $slug:literal: $link:ident = $composition:expr; $authors:literal, $id:literal, $place:literal;)*) => {
        $($(#[$doc])* pub const $name: PairLoss<$link> = $composition;)*
        /// Every named method.
        pub const ALL: &[Preset] = &[$(Preset {
            slug: $slug,
            link: slug_of(&$name),
            composition: stringify!($composition),
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
    DPO "pair/dpo": Logistic = PairLoss::new(0.1, Logistic { label_smoothing: 0.0 });
        "Rafailov et al. 2023", "arXiv:2305.18290", "eq. 7";
    /// Conservative DPO: labels flipped with probability 0.1 (the loss under noise, not corrected for it).
    CDPO "pair/cdpo": Logistic = PairLoss::new(0.1, Logistic { label_smoothing: 0.1 });
        "Mitchell 2023", "https://ericmitchell.ai/cdpo.pdf", "eq. 3";
    /// DPO on length-normalised log-ratios; TRL's `sigmoid_norm`.
    DPO_NORM "pair/dpo_norm": Logistic = PairLoss::new(0.1, Logistic { label_smoothing: 0.0 }).token_mean();
        "Lambert et al. 2024", "arXiv:2411.15124", "section 5.1.2: length-normalised DPO";
    /// Robust DPO: unbiased under label noise 0.1.
    RDPO "pair/rdpo": Robust = PairLoss::new(0.1, Robust { label_smoothing: 0.1 });
        "Chowdhury et al. 2024", "arXiv:2403.00409", "eq. 12";
    /// Identity preference optimisation on summed log-probabilities: the paper's.
    IPO_SUM "pair/ipo_sum": Square = PairLoss::new(0.1, Square {});
        "Azar et al. 2023", "arXiv:2310.12036", "eq. 17";
    /// Identity preference optimisation on token means: TRL's `ipo` since 1.0.
    IPO_TOKEN_MEAN "pair/ipo_token_mean": Square = PairLoss::new(0.1, Square {}).token_mean();
        "Azar et al. 2023", "arXiv:2310.12036", "eq. 17, length-normalised";
    /// The hinge loss of SLiC and RSO on log-ratios to the reference.
    HINGE "pair/hinge_norm": Hinge = PairLoss::new(0.1, Hinge {});
        "Liu et al. 2023", "arXiv:2309.06657", "eq. 11";
    /// Noise-contrastive alignment of pairs.
    NCA "pair/nca_pair": Nca = PairLoss::new(0.1, Nca {});
        "Chen et al. 2024", "arXiv:2402.05369", "eq. 12";
    /// Self-play preference optimisation with hard labels.
    SPPO_HARD "pair/sppo_hard": Sppo = PairLoss::new(0.1, Sppo {});
        "Wu et al. 2024", "arXiv:2405.00675", "eq. 4.6";
    /// Anchored preference optimisation, zero anchor.
    APO_ZERO "pair/apo_zero_pair": ApoZero = PairLoss::new(0.1, ApoZero {});
        "D'Oosterlinck et al. 2024", "arXiv:2408.06266", "section 3";
}
