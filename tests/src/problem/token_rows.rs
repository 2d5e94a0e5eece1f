//! Problems of the signature TokenRows.

use bellwether_core::logprob::Token;
use bellwether_core::sig::token_rows::{Labels, PLANES};
use bellwether_core::{Error, Op};
use bellwether_cpu_ref::token_rows::{TokenUpstream, Tokens, token_rows, token_rows_backward};

use super::{Compute, Number, Output, Outputs, RunError, inputs, planes, singles, zeros};
use crate::rig::Rig;

/// Logits, labels and upstream gradients.
#[derive(Clone, Debug, Default)]
pub struct TokenProblem {
    /// The operator.
    pub op: Token,
    /// Which label scores which row.
    pub rules: Labels,
    /// Logits per row.
    pub v: usize,
    /// `[n, v]`.
    pub logits: Vec<f64>,
    /// `[n]`.
    pub labels: Vec<i32>,
    /// `[n]` each: of log-probability, logsumexp and entropy.
    pub upstream: [Option<Vec<f64>>; 3],
}

impl Compute for TokenProblem {
    fn op(&self) -> &'static str {
        Token::SPEC.slug
    }

    fn cpu<T: Number>(&self) -> Result<Outputs<T>, Error> {
        let logits = inputs::<T>(&self.logits);
        let tokens = Tokens::new(&logits, self.v, &self.labels, self.rules);
        let mut result = zeros(PLANES.len() * self.labels.len());
        token_rows(&self.op, &tokens, &mut result)?;
        let up = self.upstream.each_ref().map(|plane| plane.as_deref().map(inputs::<T>));
        let up = up.each_ref().map(Option::as_deref);
        let up = TokenUpstream { logp: up[0], lse: up[1], entropy: up[2] };
        let mut d_logits = zeros(self.logits.len());
        token_rows_backward(&self.op, &tokens, &up, &mut d_logits)?;
        let mut outputs = planes(&PLANES, &result);
        outputs.push(Output::new("d_logits", self.v, d_logits));
        Ok(outputs)
    }

    fn gpu(&self, rig: &Rig) -> Result<Outputs<f32>, RunError> {
        let upstream = self.upstream.each_ref().map(|plane| plane.as_deref().map(singles));
        let (result, d_logits) = rig.token_rows(
            &self.op,
            &self.rules,
            (&singles(&self.logits), self.v),
            &self.labels,
            upstream.each_ref().map(Option::as_deref),
        )?;
        let mut outputs = planes(&PLANES, &result);
        outputs.push(Output::new("d_logits", self.v, d_logits));
        Ok(outputs)
    }
}
