//! Token log-probabilities summed or averaged over sequences, with the gradient by the logits: two signatures chained.

use bellwether_core::Error;
use bellwether_core::logprob::Token;
use bellwether_core::sig::Reduction;
use bellwether_core::sig::segment_stats::{self as segment, Keep, Segments, VALUE};
use bellwether_core::sig::token_rows::{self as token, LOGP, Labels};
use bellwether_cpu_ref::segment_stats::{SegmentOp, Values, segment_stats, segment_stats_backward};
use bellwether_cpu_ref::token_rows::{TokenUpstream, Tokens, token_rows, token_rows_backward};

use super::{Compute, Number, Output, Outputs, RunError, inputs, singles, zeros};
use crate::rig::{Rig, TokenRun};

/// Logits and labels of whole sequences.
#[derive(Clone, Debug)]
pub struct SequenceProblem<O> {
    /// Sum or mean.
    pub op: O,
    /// Which label scores which row; `seq_len` rows make a sequence.
    pub rules: Labels,
    /// Logits per row.
    pub v: usize,
    /// `[sequences · seq_len, v]`.
    pub logits: Vec<f64>,
    /// `[sequences · seq_len]`.
    pub labels: Vec<i32>,
    /// One upstream gradient per sequence.
    pub upstream: Vec<f64>,
}

impl<O: SegmentOp> SequenceProblem<O> {
    fn segments(&self) -> Segments<'_> {
        Segments::Padded { count: self.upstream.len(), len: self.rules.seq_len }
    }

    fn keep(&self) -> Keep<'_> {
        Keep::Labelled { labels: &self.labels, rules: self.rules }
    }

    fn outputs<T>(&self, logps: Vec<T>, d_logits: Vec<T>) -> Outputs<T> {
        vec![Output::new("logps", 1, logps), Output::new("d_logits", self.v, d_logits)]
    }
}

impl<O: SegmentOp> Compute for SequenceProblem<O> {
    fn op(&self) -> &'static str {
        O::SPEC.slug
    }

    fn cpu<T: Number>(&self) -> Result<Outputs<T>, Error> {
        let (op, logits) = (Token::default(), inputs::<T>(&self.logits));
        let (n, sequences) = (self.labels.len(), self.upstream.len());
        let tokens = Tokens::new(&logits, self.v, &self.labels, self.rules);
        let mut rows = zeros(token::PLANES.len() * n);
        token_rows(&op, &tokens, &mut rows)?;
        let logps = &rows[LOGP * n..][..n];
        let values = Values { values: logps, segments: self.segments(), keep: self.keep() };
        let mut result = zeros(segment::PLANES.len() * sequences);
        segment_stats(&self.op, &values, Reduction::Sum, &mut result)?;
        let mut d_logps = zeros(n);
        let upstream = inputs::<T>(&self.upstream);
        segment_stats_backward(&self.op, &values, Reduction::Sum, &upstream, &mut d_logps)?;
        let up = TokenUpstream { logp: Some(&d_logps), ..TokenUpstream::default() };
        let mut d_logits = zeros(logits.len());
        token_rows_backward(&op, &tokens, &up, &mut d_logits)?;
        Ok(self.outputs(result[VALUE * sequences..][..sequences].to_vec(), d_logits))
    }

    fn gpu(&self, rig: &Rig) -> Result<Outputs<f32>, RunError> {
        let (op, logits) = (Token::default(), singles(&self.logits));
        let (n, sequences) = (self.labels.len(), self.upstream.len());
        let tokens = TokenRun::new(&op, &self.rules, (&logits, self.v), &self.labels);
        let (rows, _) = rig.token_rows(&tokens)?;
        let (values, up) = (&rows[LOGP * n..][..n], singles(&self.upstream));
        let (result, d_logps) =
            rig.segment_stats(&self.op, values, self.segments(), self.keep(), Reduction::Sum, &up)?;
        let upstream = [Some(&d_logps[..]), None, None, None, None];
        let (_, d_logits) = rig.token_rows(&TokenRun { upstream, ..tokens })?;
        Ok(self.outputs(result[VALUE * sequences..][..sequences].to_vec(), d_logits))
    }
}
