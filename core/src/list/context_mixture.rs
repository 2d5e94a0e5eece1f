//! `list/context_mixture`.

use crate::op::{Op, Paper, Spec};
use crate::sig::Signature;
use crate::sig::list_rows::{ListOp, ListPlanes};

/// A preference under an unknown context: the items of a list are contexts, each with its log-probability and the
/// difference of the two responses' utilities in it.
///
/// `L = −log Σ_z exp(log_weight_z) σ(delta_z)`. With `ρ_z` the share of context `z` in the sum:
/// `∂L/∂delta_z = −ρ_z σ(−delta_z)`, `∂L/∂log_weight_z = −ρ_z`. Weights are not normalised here: the caller's
/// log-softmax is. A context of probability 0 is left out by the list's length.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct ContextMixture {}

impl ListOp for ContextMixture {
    const PLANES: ListPlanes = ListPlanes {
        inputs: &["delta", "log_weight"],
        constants: &[],
        outputs: &["loss"],
        gradients: &["d_delta", "d_log_weight"],
        ranked: false,
        least: 1,
    };
}

impl Op for ContextMixture {
    const SPEC: Spec = Spec {
        slug: "list/context_mixture",
        title: "negative log-likelihood of a preference, marginalised over contexts",
        signature: Signature::ListRows,
        formula: "L = -log sum_z exp(log_weight_z) sigma(delta_z)",
        params: &[],
        papers: &[Paper {
            authors: "Pitis et al. 2024",
            id: "arXiv:2407.14916",
            place: "the marginalised preference, section 3",
        }],
    };
}
