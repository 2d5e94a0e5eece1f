//! `returns/vtrace`.

use super::stop_target_gradients;
use crate::Error;
use crate::op::{Op, PARAM_WORDS, Paper, Param, Spec, require, word};
use crate::sig::Signature;
use crate::sig::reverse_scan::{ScanOp, ScanPlanes};

/// V-trace: errors of a value function off policy, action values and policy-gradient advantages.
///
/// `κ(m, ρ) = α min(m, ρ) + (1 − α) ρ`, `e_t = κ(clip_rho, ρ_t) δ_t + discount_t λ_t κ(1, ρ_t) e_{t+1}` with
/// `δ_t = r_t + discount_t v_t − v_tm1`; `q_t = r_t + discount_t (v_t + λ_t e_{t+1})`, and the advantage is
/// `κ(clip_pg_rho, ρ_t) (q_t − v_tm1)`. `α < 1` is leaky V-trace. Ratios are constants. The target of the value function
/// is `v_tm1 + e_t`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Vtrace {
    /// The largest ratio of an error; > 0 and finite.
    pub clip_rho: f64,
    /// The largest ratio of an advantage; > 0 and finite.
    pub clip_pg_rho: f64,
    /// How much of a ratio is clipped; from 0 to 1.
    pub alpha: f64,
    /// Whether the target is a constant, as rlax has it: gradients are then those of `v_tm1` alone.
    pub stop_target_gradients: bool,
}

impl Default for Vtrace {
    fn default() -> Self {
        Self { clip_rho: 1.0, clip_pg_rho: 1.0, alpha: 1.0, stop_target_gradients: true }
    }
}

impl ScanOp for Vtrace {
    const PLANES: ScanPlanes = ScanPlanes {
        inputs: &["v_tm1", "v_t", "r_t"],
        constants: &["discount_t", "rho_tm1", "lambda_t"],
        outputs: &["errors", "q_estimate", "pg_advantage"],
        gradients: &["d_v_tm1", "d_v_t", "d_r_t"],
    };
}

const POSITIVE: &str = "> 0 and finite";

impl Op for Vtrace {
    const SPEC: Spec = Spec {
        slug: "returns/vtrace",
        title: "V-trace errors, action values and advantages",
        signature: Signature::ReverseScan,
        formula: "e_t = k(clip_rho) (r_t + discount_t v_t - v_tm1) + discount_t lambda_t k(1) e_{t+1}; k(m) = alpha min(m, rho_tm1) + (1 - alpha) rho_tm1",
        params: &[
            Param { name: "clip_rho", doc: "largest ratio of an error", range: POSITIVE, default: 1.0 },
            Param { name: "alpha", doc: "share of a ratio that is clipped", range: "[0, 1]", default: 1.0 },
            Param {
                name: "clip_pg_rho",
                doc: "largest ratio of an advantage",
                range: POSITIVE,
                default: 1.0,
            },
            stop_target_gradients(),
        ],
        papers: &[
            Paper { authors: "Espeholt et al. 2018", id: "arXiv:1802.01561", place: "eq. 1, remark 2" },
            Paper { authors: "Zahavy et al. 2020", id: "arXiv:2002.12928", place: "leaky V-trace" },
        ],
    };

    fn check(&self) -> Result<(), Error> {
        let positive = |arg, x: f64| require(x > 0.0 && x.is_finite(), Self::SPEC.slug, arg, x, POSITIVE);
        positive("clip_rho", self.clip_rho)?;
        positive("clip_pg_rho", self.clip_pg_rho)?;
        let within = (0.0..=1.0).contains(&self.alpha);
        require(within, Self::SPEC.slug, "alpha", self.alpha, "from 0 to 1")
    }

    /// `Params { clip_rho, clip_pg_rho, alpha, stop_target_gradients }`.
    fn words(&self) -> [u32; PARAM_WORDS] {
        let stop = self.stop_target_gradients.into();
        [word(self.clip_rho), word(self.clip_pg_rho), word(self.alpha), stop]
    }
}
