//! `logprob/sequence_sum`.

use crate::op::{Op, Paper, Spec};
use crate::sig::Signature;

/// Sum over the kept elements of a segment: a sequence log-probability from token log-probabilities.
///
/// `value = scale · Σ_i kept_i x_i`, `∂/∂x_i = upstream · scale · kept_i`. A segment that keeps nothing has sum 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct SequenceSum {}

impl Op for SequenceSum {
    const SPEC: Spec = Spec {
        slug: "logprob/sequence_sum",
        title: "sum over the kept elements of each segment",
        signature: Signature::SegmentStats,
        formula: "value = scale * sum_i kept_i x_i",
        params: &[],
        papers: &[Paper {
            authors: "Rafailov et al. 2023",
            id: "arXiv:2305.18290",
            place: "eq. 7: log pi(y|x) is a sum over tokens",
        }],
    };
}
