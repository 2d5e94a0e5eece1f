//! Problems of the signature TopRows.

use bellwether_core::logprob::{Token, TopK};
use bellwether_core::sig::top_rows::{TAIL, UPSTREAM, planes as planes_of};
use bellwether_core::{Error, Op};
use bellwether_cpu_ref::token_rows::Tokens;
use bellwether_cpu_ref::top_rows::{TopUpstream, top_rows, top_rows_backward};

use super::{Compute, Number, Output, Outputs, RunError, TokenProblem, planes, singles, wide, zeros};
use crate::rig::Rig;

/// Rows of logits, of which the k largest are wanted, and upstream gradients.
#[derive(Clone, Debug, Default)]
pub struct TopProblem {
    /// The operator.
    pub op: TopK,
    /// Logits, labels, mask, storage and gaps; operator and upstream gradients of their own are not looked at.
    pub rows: TokenProblem,
    /// In the order of the contract: `[n]` each, and k planes `[n]`.
    pub upstream: [Option<Vec<f64>>; UPSTREAM.len()],
}

impl TopProblem {
    /// The planes as outputs; log-probabilities and indices by row.
    fn outputs<T: Number>(&self, result: &[T], d_logits: Vec<T>) -> Outputs<T> {
        let (n, k) = (self.rows.labels.len(), self.op.ranks());
        let by_row = |first: usize| {
            let at = move |i: usize| (0..k).map(move |rank| (first + rank) * n + i);
            (0..n).flat_map(at).map(|at| result[at]).collect()
        };
        let mut outputs = vec![Output::new("logp", k, by_row(0)), Output::new("index", k, by_row(k))];
        outputs.extend(planes(&TAIL, &result[2 * k * n..]));
        outputs.push(Output::new("d_logits", self.rows.v, d_logits));
        outputs
    }

    /// What scales the logits, in the place of the rows' own operator.
    pub(crate) fn token(&self) -> Token {
        self.op.token()
    }
}

impl Compute for TopProblem {
    fn op(&self) -> &'static str {
        TopK::SPEC.slug
    }

    fn cpu<T: Number>(&self) -> Result<Outputs<T>, Error> {
        let TokenProblem { v, labels, rules, .. } = &self.rows;
        let logits: Vec<T> = wide(&self.rows.logits, self.rows.storage);
        let mut tokens = Tokens::new(&logits, *v, labels, *rules);
        tokens.mask = self.rows.mask.as_deref();
        let mut result = zeros(planes_of(self.op.ranks()) * labels.len());
        top_rows(&self.op, &tokens, &mut result)?;
        let up = self.upstream.each_ref().map(|x| x.as_deref().map(super::inputs::<T>));
        let up = TopUpstream::of(up.each_ref().map(Option::as_deref));
        let mut d_logits: Vec<T> = zeros(logits.len());
        top_rows_backward(&self.op, &tokens, &up, &mut d_logits)?;
        let d_logits = d_logits.into_iter().map(|x| x.stored(self.rows.storage)).collect();
        Ok(self.outputs(&result, d_logits))
    }

    fn gpu(&self, rig: &Rig) -> Result<Outputs<f32>, RunError> {
        let (token, logits) = (self.token(), singles(&self.rows.logits));
        let upstream = self.upstream.each_ref().map(|x| x.as_deref().map(singles));
        let run = self.rows.run_of(&token, &logits);
        let (result, d_logits) = rig.top_rows(&self.op, &run, upstream.each_ref().map(Option::as_deref))?;
        Ok(self.outputs(&result, d_logits))
    }
}
