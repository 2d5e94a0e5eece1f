//! `reward/rto`.

use crate::Error;
use crate::op::{Op, PARAM_WORDS, Paper, Param, Spec, require, word};
use crate::sig::Signature;
use crate::sig::reverse_scan::{ScanOp, ScanPlanes};

/// Token rewards of reinforced token optimisation: what a DPO policy implies, less a KL penalty, and the response's
/// score at its last token.
///
/// `r_t = clip(β1 (dpo_logp − ref_logp), ±dpo_clip) − β2 (logp − ref_logp)`, and `clip(score, ±score_clip)` more at the
/// row's last step that counts. `score` is mostly one number per row (a view). With `dpo_scale = 0` it is the KL-shaped
/// reward of PPO, with `kl_coef = 0` and a score of 0 the implicit reward of DPO, whose sum over a response is `β1` times
/// its log-ratio. A clip of 0 clips nothing. A row none of whose steps counts has no last step, and no reward.
/// The second output is the divergence `logp − ref_logp` (k1).
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Rto {
    /// `β1`; ≥ 0 and finite.
    pub dpo_scale: f64,
    /// `β2`; ≥ 0 and finite.
    pub kl_coef: f64,
    /// The largest size of a token's implied reward; ≥ 0, 0: any.
    pub dpo_clip: f64,
    /// The largest size of a score; ≥ 0, 0: any.
    pub score_clip: f64,
}

impl Default for Rto {
    fn default() -> Self {
        Self { dpo_scale: 0.05, kl_coef: 0.01, dpo_clip: 0.0, score_clip: 10.0 }
    }
}

impl ScanOp for Rto {
    const PLANES: ScanPlanes = ScanPlanes {
        inputs: &["logp"],
        constants: &["ref_logp", "dpo_logp", "score"],
        outputs: &["reward", "kl"],
        gradients: &["d_logp"],
    };
}

const ALLOWED: &str = ">= 0 and finite";

const fn param(name: &'static str, doc: &'static str, default: f64) -> Param {
    Param { name, doc, range: ALLOWED, default }
}

impl Op for Rto {
    const SPEC: Spec = Spec {
        slug: "reward/rto",
        title: "token rewards from a DPO policy, a KL penalty and a score at the last token",
        signature: Signature::ReverseScan,
        formula: "reward = clip(dpo_scale (dpo_logp - ref_logp)) - kl_coef (logp - ref_logp) + [last] clip(score)",
        params: &[
            param("dpo_scale", "weight of the DPO policy's log-ratio", 0.05),
            param("kl_coef", "weight of the policy's log-ratio", 0.01),
            param("dpo_clip", "largest size of a token's implied reward; 0: any", 0.0),
            param("score_clip", "largest size of a score; 0: any", 10.0),
        ],
        papers: &[
            Paper {
                authors: "Zhong et al. 2024",
                id: "arXiv:2404.18922",
                place: "eq. 4.7, and the clips of its code",
            },
            Paper { authors: "Zheng et al. 2023", id: "arXiv:2307.04964", place: "eq. 19" },
            Paper { authors: "Rafailov et al. 2024", id: "arXiv:2404.12358", place: "token rewards" },
        ],
    };

    fn check(&self) -> Result<(), Error> {
        let given = [
            ("dpo_scale", self.dpo_scale),
            ("kl_coef", self.kl_coef),
            ("dpo_clip", self.dpo_clip),
            ("score_clip", self.score_clip),
        ];
        let allowed = |(arg, x): (&'static str, f64)| {
            require(x >= 0.0 && x.is_finite(), Self::SPEC.slug, arg, x, ALLOWED)
        };
        given.into_iter().try_for_each(allowed)
    }

    /// `Params { dpo_scale, kl_coef, dpo_clip, score_clip }`.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [self.dpo_scale, self.kl_coef, self.dpo_clip, self.score_clip].map(word)
    }
}
