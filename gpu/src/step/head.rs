//! From logits or hidden states to token log-probabilities, and from their gradients back: what every step has in common.

use bellwether_core::sig::token_rows::{LOGP, Labels};

use super::{Region, StepSource};
use crate::error::Error;
use crate::record::Call;
use crate::sig::token_rows::Rows;
use crate::sig::{
    FusedBackward, FusedForward, FusedLinear, FusedShape, TokenBackward, TokenForward, TokenShape, Upstream,
};
use crate::slice::{Limits, Slice};

/// The head of a model in one recording.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    pub(super) fused: &'a FusedLinear,
    pub(super) limits: Limits,
    pub(super) source: StepSource<'a>,
    pub(super) labels: Slice<'a>,
    pub(super) rules: Labels,
    /// Logits per row.
    pub(super) v: usize,
    pub(super) workspace: Slice<'a>,
    /// The planes of TokenRows.
    pub(super) token: Region,
    /// The gradient of each token's log-probability.
    pub(super) upstream: Region,
}

impl<'a> Head<'a> {
    fn token_shape(&self) -> TokenShape {
        TokenShape::packed(self.token.n, self.v, self.rules)
    }

    fn fused_shape(&self, h: usize, (chunk, columns): (usize, usize)) -> FusedShape {
        FusedShape::packed(self.token.n, self.v, h, self.rules).tiled(chunk, columns)
    }

    /// Logits or hidden states → the token planes.
    pub(super) fn forward(&self, calls: &mut Vec<Call<'a>>) -> Result<(), Error> {
        let (fused, labels, result) = (self.fused, self.labels, self.token.slice(self.workspace));
        match self.source {
            StepSource::Logps { .. } => Ok(()),
            StepSource::Logits { logits, .. } => {
                let rows = Rows { base: 0, n: self.token.n as u64 };
                let to = TokenForward { logits, labels, result, scratch: None };
                fused.token.plan_forward(&self.limits, &self.token_shape(), rows, &to, calls)
            }
            StepSource::Hidden { hidden, weight, bias, scratch, h, chunk, columns, .. } => {
                let to = FusedForward { hidden, weight, bias, labels, scratch, result };
                fused.plan_forward(&self.limits, &self.fused_shape(h, (chunk, columns)), &to, calls)
            }
        }
    }

    /// The slice that holds the token log-probabilities, and where in it they begin.
    pub(super) fn logps(&self) -> (Slice<'a>, usize) {
        match self.source {
            StepSource::Logps { logps, .. } => (logps, 0),
            _ => (self.token.slice(self.workspace), self.token.from(LOGP, &self.token)),
        }
    }

    /// Where the gradients of the token log-probabilities go.
    pub(super) const fn d_logps(&self) -> Slice<'a> {
        match self.source {
            StepSource::Logps { d_logps, .. } => d_logps,
            _ => self.upstream.slice(self.workspace),
        }
    }

    /// The token log-probabilities' gradients → those of logits, or of hidden states and weight.
    pub(super) fn backward(&self, calls: &mut Vec<Call<'a>>) -> Result<(), Error> {
        let (fused, labels, token) = (self.fused, self.labels, &self.token);
        let rows = token.until(&self.upstream, self.workspace);
        let upstream = Upstream { offset: self.upstream.from(0, token), stride: self.upstream.n, mask: 1 };
        match self.source {
            StepSource::Logps { .. } => Ok(()),
            StepSource::Logits { logits, d_logits } => {
                let from = TokenBackward { logits, rows, labels, d_logits, saved: 0, upstream };
                let all = Rows { base: 0, n: token.n as u64 };
                fused.token.plan_backward(&self.limits, &self.token_shape(), all, &from, calls)
            }
            StepSource::Hidden {
                hidden,
                weight,
                bias,
                d_hidden,
                d_weight,
                d_bias,
                scratch,
                h,
                chunk,
                columns,
            } => {
                let from = FusedBackward {
                    hidden,
                    weight,
                    bias,
                    labels,
                    rows,
                    scratch,
                    d_hidden,
                    d_weight,
                    d_bias,
                    saved: 0,
                    upstream,
                };
                let shape = self.fused_shape(h, (chunk, columns));
                fused.plan_backward(&self.limits, &shape, &from, calls)
            }
        }
    }
}
