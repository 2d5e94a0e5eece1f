//! `logprob/k3`.

use crate::op::{Op, Paper, Spec};
use crate::sig::Signature;
use crate::sig::token_map::{MapOp, MapPlanes};

/// The third estimate of KL(policy ‖ reference) from a token drawn from the policy: unbiased, never negative. GRPO's
/// penalty. Its mean gradient is not that of the divergence (it is that of KL(reference ‖ policy)).
///
/// `d = ref_logp − logp`, `k3 = e^d − 1 − d`, `∂k3/∂logp = 1 − e^d`. All digits near 0: `d²/2` and `−d` there. A `d`
/// whose exponential is beyond the precision's range gives ∞.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct K3 {}

impl MapOp for K3 {
    const PLANES: MapPlanes =
        MapPlanes { inputs: &["logp"], constants: &["ref_logp"], outputs: &["kl"], gradients: &["d_logp"] };
}

impl Op for K3 {
    const SPEC: Spec = Spec {
        slug: "logprob/k3",
        title: "sampled KL(policy || reference): unbiased and never negative",
        signature: Signature::TokenMap,
        formula: "d = ref_logp - logp; k3 = exp(d) - 1 - d",
        params: &[],
        papers: &[
            Paper { authors: "Schulman 2020", id: "http://joschu.net/blog/kl-approx.html", place: "k3" },
            Paper { authors: "Shao et al. 2024", id: "arXiv:2402.03300", place: "eq. 4" },
        ],
    };
}
