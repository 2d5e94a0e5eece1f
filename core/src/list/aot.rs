//! `list/aot`.

use crate::op::{Op, PARAM_WORDS, Paper, Param, Spec, require, word};
use crate::sig::list_rows::{ListOp, ListPlanes};
use crate::{Error, sig::Signature};

/// Alignment via optimal transport: one distribution is to lie above another, so their samples are compared in sorted
/// order. The list is a batch: its items are not responses to one prompt.
///
/// With `a` and `b` sorted, `L = (1/K) Σ_p (1 − ε) softplus(−βd_p) + ε softplus(βd_p)`, `d_p = a_(p) − b_(p)`, and
/// `∂L/∂a_(p) = (β/K)(ε σ(βd_p) − (1 − ε) σ(−βd_p)) = −∂L/∂b_(p)`. Equal numbers come by index.
///
/// Paired: `above` are chosen less rejected log-probabilities of the policy, `below` those of the reference, whose
/// gradient nobody uses. Unpaired: log-ratios of chosen and of rejected responses.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Aot {
    /// Temperature `β`; > 0 and finite.
    pub beta: f64,
    /// Probability `ε` of a flipped label; in [0, 0.5).
    pub label_smoothing: f64,
}

impl Default for Aot {
    fn default() -> Self {
        Self { beta: 0.1, label_smoothing: 0.0 }
    }
}

impl ListOp for Aot {
    const PLANES: ListPlanes = ListPlanes {
        inputs: &["above", "below"],
        constants: &[],
        outputs: &["loss"],
        gradients: &["d_above", "d_below"],
        ranked: false,
        least: 1,
    };
}

impl Op for Aot {
    const SPEC: Spec = Spec {
        slug: "list/aot",
        title: "alignment via optimal transport: sorted samples compared one by one",
        signature: Signature::ListRows,
        formula: "d = sort(above) - sort(below); L = mean (1 - e) softplus(-beta d) + e softplus(beta d), e = label_smoothing",
        params: &[
            Param { name: "beta", doc: "temperature", range: "> 0 and finite", default: 0.1 },
            Param {
                name: "label_smoothing",
                doc: "probability of a flipped label",
                range: "[0, 0.5)",
                default: 0.0,
            },
        ],
        papers: &[Paper { authors: "Melnyk et al. 2024", id: "arXiv:2406.05882", place: "section 4" }],
    };

    fn check(&self) -> Result<(), Error> {
        let op = Self::SPEC.slug;
        require(self.beta > 0.0 && self.beta.is_finite(), op, "beta", self.beta, "> 0 and finite")?;
        let smoothing = self.label_smoothing;
        require((0.0..0.5).contains(&smoothing), op, "label_smoothing", smoothing, "[0, 0.5)")
    }

    /// `Params { beta, label_smoothing }`.
    fn words(&self) -> [u32; PARAM_WORDS] {
        [word(self.beta), word(self.label_smoothing), 0, 0]
    }
}
