//! Named methods: each is a composition with its paper's defaults.

use super::{
    ApoDown, ApoZero, Asft, Bco, BradleyTerry, Copg, Discopop, Exo, Hinge, Length, Link, Logistic, Nca,
    Noise, OddsRatio, OfsFast, OfsSlow, PairLoss, Regression, Reward, Score, Seppo, Sft, Sppo, Square,
};
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
    /// Everything but the link.
    pub rule: PairLoss<()>,
    /// The composition as written below.
    pub composition: &'static str,
    /// Where it is published.
    pub paper: Paper,
}

/// Strength of the reference where a preset says nothing else: TRL's default.
const BETA: f64 = 0.1;

const fn slug_of<L: Link>(_: &PairLoss<L>) -> &'static str {
    <L as Op>::SPEC.slug
}

macro_rules! presets {
    ($($(#[$doc:meta])* $name:ident $slug:literal: $link:ident { $($field:ident: $value:literal),* }
        $(, $set:ident: $to:expr)*; $authors:literal, $id:literal, $place:literal;)*) => {
        $($(#[$doc])* pub const $name: PairLoss<$link> =
            PairLoss { $($set: $to,)* ..PairLoss::new(BETA, $link { $($field: $value),* }) };)*
        /// Every named method.
        pub const ALL: &[Preset] = &[$(Preset {
            slug: $slug,
            link: slug_of(&$name),
            params: &[$((stringify!($field), $value)),*],
            rule: PairLoss { $($set: $to,)* ..PairLoss::new(BETA, ()) },
            composition: concat!(
                stringify!($link), $(" ", stringify!($field), " = ", stringify!($value),)*
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

/// TRL's largest exponent of an alpha divergence, and its coefficient.
const HALF: Score = Score::AlphaDivergence { coef: 0.5, cap: 80.0 };
/// AlphaPO's `(1 − p^{−α})/α` with `α = 0.25`.
const QUARTER: Score = Score::AlphaDivergence { coef: 0.75, cap: Score::UNCAPPED };
/// A loss without reference, and rewards as the trainers of such losses log them.
const BY_SCORE: Reward = Reward::Score;
const CONSERVATIVE: Noise = Noise::Conservative { label_smoothing: 0.1 };
const CORRECTED: Noise = Noise::Corrected { label_smoothing: 0.1 };

presets! {
    /// Direct preference optimisation; RSO's `sigmoid-norm`. With `list/leave_one_out` on fresh samples, `λ` times, it is
    /// HyPO.
    DPO "pair/dpo": Logistic {}; "Rafailov et al. 2023", "arXiv:2305.18290", "eq. 7";
    /// Conservative DPO: labels flipped with probability 0.1 (the loss under noise, not corrected for it).
    CDPO "pair/cdpo": Logistic {}, noise: CONSERVATIVE;
        "Mitchell 2023", "https://ericmitchell.ai/cdpo.pdf", "eq. 3";
    /// Robust DPO: unbiased under label noise 0.1.
    RDPO "pair/rdpo": Logistic {}, noise: CORRECTED; "Chowdhury et al. 2024", "arXiv:2403.00409", "eq. 12";
    /// DPO on length-normalised log-ratios; TRL's `sigmoid_norm`, not RSO's.
    DPO_NORM "pair/dpo_norm": Logistic {}, length: Length::TokenMean;
        "Lambert et al. 2024", "arXiv:2411.15124", "section 5.1.2: length-normalised DPO";
    /// f-DPO under forward KL.
    FDPO_FORWARD_KL "pair/fdpo_forward_kl": Logistic {}, score: Score::ForwardKl;
        "Wang et al. 2023", "arXiv:2309.16240", "table 1: forward KL";
    /// f-DPO under the Jensen-Shannon divergence.
    FDPO_JS "pair/fdpo_js": Logistic {}, score: Score::JsDivergence;
        "Wang et al. 2023", "arXiv:2309.16240", "table 1: Jensen-Shannon";
    /// f-DPO under an α-divergence; TRL's coefficient and cap. (f-DPO under reverse KL is `pair/dpo`.)
    FDPO_ALPHA "pair/fdpo_alpha": Logistic {}, score: HALF;
        "Wang et al. 2023", "arXiv:2309.16240", "table 1: alpha divergence";
    /// Identity preference optimisation on summed log-probabilities: the paper's.
    IPO_SUM "pair/ipo_sum": Square {}; "Azar et al. 2023", "arXiv:2310.12036", "eq. 17";
    /// Identity preference optimisation on token means: TRL's `ipo` since 1.0.
    IPO_TOKEN_MEAN "pair/ipo_token_mean": Square {}, length: Length::TokenMean;
        "Azar et al. 2023", "arXiv:2310.12036", "eq. 17, length-normalised";
    /// The hinge loss of RSO on log-ratios to the reference.
    HINGE "pair/hinge_norm": Hinge {}; "Liu et al. 2023", "arXiv:2309.06657", "eq. 11";
    /// The hinge loss of SLiC: no reference, the margin `1/β`.
    SLIC "pair/slic_hinge": Hinge {}, reference_free: true, reward: BY_SCORE; "Zhao et al. 2023", "arXiv:2305.10425", "the rank loss";
    /// Simple preference optimisation: token means, no reference, margin γ = 0.5.
    SIMPO "pair/simpo": Logistic {}, beta: 2.0, length: Length::TokenMean, reference_free: true, reward: BY_SCORE, margin: 0.5;
        "Meng et al. 2024", "arXiv:2405.14734", "eq. 6";
    /// AlphaPO: SimPO with `(1 − p^{−α})/α` of the mean log-probability in its place.
    ALPHA_PO "pair/alpha_po": Logistic {}, beta: 2.5, score: QUARTER, length: Length::MeanLogp, reference_free: true, reward: BY_SCORE,
        margin: 0.5; "Gupta et al. 2025", "arXiv:2501.03884", "the AlphaPO reward";
    /// Contrastive preference optimisation: no reference, and the likelihood of the chosen response.
    CPO "pair/cpo": Logistic {}, reference_free: true, reward: BY_SCORE, sft: Sft::Sum(1.0);
        "Xu et al. 2024", "arXiv:2401.08417", "eq. 5";
    /// Odds-ratio preference optimisation: β is the paper's λ, beside the mean NLL of the chosen response.
    ORPO "pair/orpo": OddsRatio {}, length: Length::TokenMean, reference_free: true, reward: BY_SCORE, sft: Sft::TokenMean(1.0);
        "Hong et al. 2024", "arXiv:2403.07691", "eq. 6";
    /// Aligned supervised fine-tuning through absolute likelihood, on token means.
    ASFT "pair/asft_mean": Asft { lambda: 1.0 }, length: Length::TokenMean, reference_free: true, reward: BY_SCORE;
        "Wang et al. 2024", "arXiv:2409.10571", "the ASFT loss";
    /// Exact optimisation of pairs.
    EXO "pair/exo_pair": Exo { epsilon: 1e-3 }; "Ji et al. 2024", "arXiv:2402.00856", "EXO-pref";
    /// Noise-contrastive alignment of pairs.
    NCA "pair/nca_pair": Nca {}; "Chen et al. 2024", "arXiv:2402.05369", "eq. 12";
    /// Binary classifier optimisation of pairs without a running mean: TRL's and Liger's `bco_pair`. A running mean
    /// is the link's `delta`. OPA-DPO's anchors are this at `β = 1`.
    BCO "pair/bco_pair": Bco { delta: 0.0 }; "Jung et al. 2024", "arXiv:2404.04656", "the BCO objective";
    /// Self-play preference optimisation with hard labels.
    SPPO_HARD "pair/sppo_hard": Sppo {}; "Wu et al. 2024", "arXiv:2405.00675", "eq. 4.6";
    /// Direct Nash optimisation by regression: the pair's `preference` is `σ(r_w − r_l)`, the reference the last policy.
    DNO "pair/dno": Logistic {}; "Rosset et al. 2024", "arXiv:2404.03715", "algorithm 1";
    /// Direct Nash optimisation, practical: DPO on pairs of large margin, the reference the last policy.
    DNO_PRCT "pair/dno_prct": Logistic {}; "Rosset et al. 2024", "arXiv:2404.03715", "algorithm 2";
    /// Anchored preference optimisation, zero anchor.
    APO_ZERO "pair/apo_zero_pair": ApoZero {}; "D'Oosterlinck et al. 2024", "arXiv:2408.06266", "section 3";
    /// Anchored preference optimisation, downward.
    APO_DOWN "pair/apo_down_pair": ApoDown {}; "D'Oosterlinck et al. 2024", "arXiv:2408.06266", "section 3";
    /// Discovered preference optimisation.
    DISCOPOP "pair/discopop_lrml": Discopop { tau: 0.05 }; "Lu et al. 2024", "arXiv:2406.08414", "the LRML loss";
    /// Exploratory preference optimisation: the second response is the reference's, whether it won or lost; the
    /// pair's `preference` is 1 where the policy's own won, else 0.
    XPO "pair/xpo": Logistic {}, optimism: 1e-5; "Xie et al. 2024", "arXiv:2405.21046", "eq. 5";
    /// Regression to relative rewards: `β = 1/η`, the pair's margin is `r_w − r_l`.
    REBEL "pair/rebel": Regression {}, beta: 1.0; "Gao et al. 2024", "arXiv:2404.16767", "the REBEL objective";
    /// Contrastive policy gradient: the pair's margin is `R(y) − R(y')`.
    COPG "pair/copg_pair": Copg {}, beta: 0.06; "Flet-Berliac et al. 2024", "arXiv:2406.19185", "the pair objective";
    /// Step-APO of critical plan step learning; DPO with an offset. The pair's margin is `α(Q_w − Q_l)`.
    STEP_APO "pair/step_apo": Logistic {}, beta: 0.3; "Wang et al. 2024", "arXiv:2409.08642", "the Step-APO loss";
    /// Step DPO of MCTS-DPO: the pair's `preference` is [`preference_of_visits`].
    MCTS_DPO "pair/mcts_dpo": Logistic {}; "Xie et al. 2024", "arXiv:2405.00451", "the conservative step loss";
    /// Token-level DPO, first form: a response's `chosen` and `rejected` are `Σ (logp + kl)`, `kl` the forward KL from the
    /// reference at each position (`logprob/kl`): [`SequentialKl::TDPO1`](super::SequentialKl::TDPO1) in a whole step.
    TDPO1 "pair/tdpo1": Logistic {}; "Zeng et al. 2024", "arXiv:2404.11999", "TDPO1";
    /// Token-level DPO, second form: `Σ (logp + α kl)`, the gradient of the chosen response's `kl` left out. α is 0.5:
    /// [`SequentialKl::TDPO2`](super::SequentialKl::TDPO2) in a whole step.
    TDPO2 "pair/tdpo2": Logistic {}; "Zeng et al. 2024", "arXiv:2404.11999", "TDPO2";
    /// Weighted preference optimisation: the pair's weight is `exp(mean(logp − log Σp²))` over both responses' tokens.
    WPO "pair/wpo": Logistic {}; "Zhou et al. 2024", "arXiv:2406.11827", "the weights";
    /// Length-desensitised DPO: log-probabilities of tokens beyond the shorter response count α times, those of the
    /// reference too: [`tail_words`](super::tail_words) in a whole step.
    LD_DPO "pair/ld_dpo": Logistic {}; "Liu et al. 2024", "arXiv:2409.06411", "the length-desensitised likelihood";
    /// Curriculum DPO: DPO in stages of ever closer pairs, the reference the policy of the stage before.
    CURRY_DPO "pair/curry_dpo": Logistic {}; "Pattnaik et al. 2024", "arXiv:2403.07230", "the iterated objective";
    /// Triple preference optimisation without the term of the best response, `−α log π(y_gold)` (α 0.9), which is
    /// `logprob/nll` of a third sequence: a step of single responses beside that of the pairs.
    TRIPLE_PO "pair/triple_po": Logistic {}, beta: 0.2, reference_free: true, reward: BY_SCORE;
        "Saeidi et al. 2024", "arXiv:2405.16681", "the preference term";
    /// Its length-normalised form with a margin.
    TRIPLE_PO_L "pair/triple_po_l": Logistic {}, length: Length::TokenMean, reference_free: true, reward: BY_SCORE, margin: 0.5;
        "Saeidi et al. 2024", "arXiv:2405.16681", "TPO-L";
    /// Its hinge form.
    TRIPLE_PO_HINGE "pair/triple_po_hinge": Hinge {}, reference_free: true, reward: BY_SCORE;
        "Saeidi et al. 2024", "arXiv:2405.16681", "the hinge variant of the published code";
    /// Its squared form, on token means.
    TRIPLE_PO_IPO "pair/triple_po_ipo": Square {}, length: Length::TokenMean, reference_free: true, reward: BY_SCORE;
        "Saeidi et al. 2024", "arXiv:2405.16681", "the IPO variant of the published code";
    /// The fast module of online fast-slow DPO.
    OFS_FAST "pair/ofs_dpo_fast": OfsFast { alpha: 0.1 }; "Qi et al. 2024", "arXiv:2406.05534", "fast objective";
    /// The slow module of online fast-slow DPO.
    OFS_SLOW "pair/ofs_dpo_slow": OfsSlow { alpha: 0.1 }; "Qi et al. 2024", "arXiv:2406.05534", "slow objective";
    /// D3PO: denoising steps of diffusion models, the ratio clipped to `1 ± 0.1`.
    D3PO "pair/d3po": Logistic {}, score: Score::ClippedRatio { epsilon: 0.1 };
        "Yang et al. 2023", "arXiv:2311.13231", "the step objective, with the code's clipping";
    /// Diffusion-DPO on minus the mean squared denoising errors, `logprob/denoising` averaged over a sample: half of the published code's 5000.
    DIFFUSION_DPO "pair/diffusion_dpo": Logistic {}, beta: 2500.0;
        "Wallace et al. 2023", "arXiv:2311.12908", "the Diffusion-DPO loss";
    /// Semi-policy preference optimisation on minus the denoising errors.
    SEPPO "pair/seppo_diffusion": Seppo {}, beta: 2000.0;
        "Zhang et al. 2024", "arXiv:2410.05255", "the anchor-based loss";
    /// A Bradley-Terry reward model: scores are rewards, the pair's margin its own.
    REWARD_MODEL "pair/reward_model": BradleyTerry { center: 0.0 }, beta: 1.0, reference_free: true, reward: BY_SCORE;
        "Ouyang et al. 2022", "arXiv:2203.02155", "the reward model's loss";
}

/// The probability that a step chosen by tree search is the better one, from visit counts, as MCTS-DPO's code has it:
/// `1 − min(n_l/(n_l + max(1, n_w)), ½)` (Xie et al. 2024, arXiv:2405.00451; the paper has no floor and no cap).
#[must_use]
pub fn preference_of_visits(chosen: u32, rejected: u32) -> f64 {
    let (w, l) = (f64::from(chosen.max(1)), f64::from(rejected));
    1.0 - (l / (l + w)).min(0.5)
}
