//! `logprob/sequence_mean`.

use crate::op::{Op, Paper, Spec};
use crate::sig::Signature;

/// Mean over the kept elements of a segment: a length-normalised log-probability.
///
/// `value = scale · Σ_i kept_i x_i / Σ_i kept_i`, `∂/∂x_i = upstream · scale · kept_i / Σ kept`.
/// A segment that keeps nothing has no mean: it is given as 0 and flagged in the status; never NaN.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct SequenceMean {}

impl Op for SequenceMean {
    const SPEC: Spec = Spec {
        slug: "logprob/sequence_mean",
        title: "mean over the kept elements of each segment",
        signature: Signature::SegmentStats,
        formula: "value = scale * sum_i kept_i x_i / sum_i kept_i",
        params: &[],
        papers: &[Paper {
            authors: "Meng et al. 2024",
            id: "arXiv:2405.14734",
            place: "eq. 4: average log-probability as the reward",
        }],
    };
}
