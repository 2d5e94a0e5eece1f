//! `logprob/kl`.

use super::token::{TEMPERATURE, check_temperature};
use crate::op::{Op, PARAM_WORDS, Paper, Spec, word};
use crate::sig::logit_pairs::{KL_PLANES, KL_UPSTREAM, LogitPairOp, PLANES};
use crate::{Error, sig::Signature};

/// Both Kullback-Leibler divergences between policy and reference, with the log-probabilities of the label and the
/// policy's entropy, in one read of both rows.
///
/// With `p = softmax(logits / temperature)` and `q = softmax(ref_logits / temperature)`:
/// `kl_forward = KL(q‖p) = Σ_j q_j (log q_j − log p_j)` (the teacher's or reference's tokens: GKD's forward KL and
/// TDPO's sequential KL), `kl_reverse = KL(p‖q)`; nats.
///
/// Backward, for upstream gradients `d_logp, d_kl_forward, d_kl_reverse, d_entropy`:
/// `∂/∂logits_j = [ d_logp·(1{j=y} − p_j) + d_kl_forward·(p_j − q_j)
/// + d_kl_reverse·p_j (log p_j − log q_j − kl_reverse) − d_entropy·p_j (log p_j + entropy) ] / temperature`,
/// `∂/∂ref_logits_j = [ d_kl_forward·q_j (log q_j − log p_j − kl_forward) + d_kl_reverse·(q_j − p_j) ] / temperature`.
///
/// A token that the reference allows and the policy bans makes `kl_forward` +∞, one that only the policy allows
/// `kl_reverse`; the status says [`DISJOINT`](crate::status::DISJOINT). `p − q` stays the gradient of an infinite
/// `kl_forward` by the policy's logits (and `q − p` that of `kl_reverse` by the reference's), as torch has it; the
/// other gradients of an infinite divergence do not exist and are NaN in the whole row.
///
/// One read leaves an absolute error: between nearly equal rows a divergence may come out as some 1e-7, of either sign.
/// [`Js`](super::Js) with `beta` 0 or 1 is the same divergence in two reads, with all its digits and never negative.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Kl {
    /// Divides the logits of both rows; > 0.
    pub temperature: f64,
}

impl Default for Kl {
    fn default() -> Self {
        Self { temperature: 1.0 }
    }
}

impl Op for Kl {
    const SPEC: Spec = Spec {
        slug: "logprob/kl",
        title: "forward and reverse KL divergence from reference logits",
        signature: Signature::LogitPairs,
        formula: "p = softmax(logits/temperature), q = softmax(ref_logits/temperature); kl_forward = sum_j q_j (log q_j - log p_j); kl_reverse = sum_j p_j (log p_j - log q_j); reads both rows once",
        params: &[TEMPERATURE],
        papers: &[
            Paper {
                authors: "Zeng et al. 2024",
                id: "arXiv:2404.11999",
                place: "section 4.2: sequential forward KL, per position",
            },
            Paper {
                authors: "Agarwal et al. 2023",
                id: "arXiv:2306.13649",
                place: "section 2: forward and reverse KL of a student from a teacher",
            },
        ],
    };

    fn check(&self) -> Result<(), Error> {
        check_temperature(Self::SPEC.slug, self.temperature)
    }

    /// `Params { scale }`: the kernel multiplies by the reciprocal, rounded once.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [word(1.0 / self.temperature), 0, 0, 0]
    }
}

impl LogitPairOp for Kl {
    const PLANES: &'static [&'static str; PLANES] = &KL_PLANES;
    const UPSTREAM: &'static [&'static str] = &KL_UPSTREAM;
    fn temperature(&self) -> f64 {
        self.temperature
    }
}
