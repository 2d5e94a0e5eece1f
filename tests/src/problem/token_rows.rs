//! Problems of the signature TokenRows.

use bellwether_core::logprob::Token;
use bellwether_core::sig::token_rows::{Labels, PLANES, STATE, UPSTREAM};
use bellwether_core::{Error, Op, Storage};
use bellwether_cpu_ref::token_rows::{TokenUpstream, Tokens, token_rows, token_rows_backward};
use bellwether_cpu_ref::token_states::{Shard, token_rows_finish, token_shard_backward, token_states};

use super::{Compute, Number, Output, Outputs, RunError, planes, singles, wide, zeros};
use crate::rig::{Rig, TokenRun};

/// How a backend goes about it. The results are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// Planes, then gradients.
    #[default]
    Rows,
    /// Planes, then gradients over the logits.
    InPlace,
    /// Both in one kernel, gradients over the logits.
    Step,
    /// States of so many shards of the vocabulary, merged; gradients per shard.
    Shards(usize),
}

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
    /// `[n]`: 0 where a row does not count.
    pub mask: Option<Vec<i32>>,
    /// `[n]` each, in the order of the contract.
    pub upstream: [Option<Vec<f64>>; UPSTREAM.len()],
    /// How the logits and their gradients stand in memory.
    pub storage: Storage,
    /// Elements between the rows of logits, and of gradients, on a GPU.
    pub gap: usize,
    /// How a backend goes about it.
    pub way: Way,
}

impl TokenProblem {
    fn parts(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let shards = if let Way::Shards(shards) = self.way { shards.max(1) } else { 1 };
        shard_bounds(self.v, shards)
    }

    /// A run on these rows, without upstream gradients.
    pub(super) fn run_of<'a>(&'a self, op: &'a Token, logits: &'a [f32]) -> TokenRun<'a> {
        TokenRun {
            mask: self.mask.as_deref(),
            storage: self.storage,
            gap: self.gap,
            ..TokenRun::new(op, &self.rules, (logits, self.v), &self.labels)
        }
    }

    fn outputs<T: Number>(&self, result: &[T], d_logits: Vec<T>) -> Outputs<T> {
        let mut outputs = planes(&PLANES, result);
        outputs.push(Output::new("d_logits", self.v, d_logits));
        outputs
    }

    /// Shard by shard, as ranks of a cluster would.
    fn sharded<T: Number>(
        &self,
        tokens: &Tokens<'_, T>,
        up: &TokenUpstream<'_, T>,
    ) -> Result<Outputs<T>, Error> {
        let (n, v) = (self.labels.len(), self.v);
        let mut states = Vec::new();
        let columns = |base: usize, width: usize| -> Vec<T> {
            (0..n).flat_map(|i| tokens.logits[i * v + base..][..width].iter().copied()).collect()
        };
        for (base, width) in self.parts() {
            let logits = columns(base, width);
            let shard = Tokens { logits: &logits, v: width, stride: width, ..*tokens };
            let mut state = zeros(STATE.len() * n);
            token_states(&self.op, &shard, Shard { base, vocabulary: v }, &mut state)?;
            states.extend(state);
        }
        let mut result = zeros(PLANES.len() * n);
        let labels = (&self.labels[..], self.rules, v);
        token_rows_finish(&self.op, &states, self.parts().count(), labels, &mut result)?;
        let mut d_logits = zeros(n * v);
        for (base, width) in self.parts() {
            let logits = columns(base, width);
            let shard = Tokens { logits: &logits, v: width, stride: width, ..*tokens };
            let mut d = zeros(n * width);
            token_shard_backward(&self.op, &shard, Shard { base, vocabulary: v }, &result, up, &mut d)?;
            for (i, row) in d.chunks_exact(width).enumerate() {
                d_logits[i * v + base..][..width].copy_from_slice(row);
            }
        }
        Ok(self.outputs(&result, d_logits))
    }
}

/// Where shards of `v` columns begin and how many columns they have, as evenly as can be.
fn shard_bounds(v: usize, shards: usize) -> impl Iterator<Item = (usize, usize)> {
    let at = move |i: usize| i * v / shards;
    (0..shards).map(move |i| (at(i), at(i + 1) - at(i))).filter(|(_, width)| *width > 0)
}

impl Compute for TokenProblem {
    fn op(&self) -> &'static str {
        Token::SPEC.slug
    }

    fn cpu<T: Number>(&self) -> Result<Outputs<T>, Error> {
        let logits: Vec<T> = wide(&self.logits, self.storage);
        let mut tokens = Tokens::new(&logits, self.v, &self.labels, self.rules);
        tokens.mask = self.mask.as_deref();
        let up = self.upstream.each_ref().map(|plane| plane.as_deref().map(super::inputs::<T>));
        let up = TokenUpstream::of(up.each_ref().map(Option::as_deref));
        // The reference knows rows only: what a backend makes of shards is held to it.
        if T::IS_BACKEND && matches!(self.way, Way::Shards(_)) {
            return self.sharded(&tokens, &up);
        }
        let mut result = zeros(PLANES.len() * self.labels.len());
        token_rows(&self.op, &tokens, &mut result)?;
        let mut d_logits: Vec<T> = zeros(self.logits.len());
        token_rows_backward(&self.op, &tokens, &up, &mut d_logits)?;
        let d_logits = d_logits.into_iter().map(|x| x.stored(self.storage)).collect();
        Ok(self.outputs(&result, d_logits))
    }

    fn gpu(&self, rig: &Rig) -> Result<Outputs<f32>, RunError> {
        let upstream = self.upstream.each_ref().map(|plane| plane.as_deref().map(singles));
        let upstream = upstream.each_ref().map(Option::as_deref);
        let logits = singles(&self.logits);
        let run = TokenRun { upstream, ..self.run_of(&self.op, &logits) };
        let (result, d_logits) = match self.way {
            Way::Rows => rig.token_rows(&run)?,
            Way::InPlace => rig.token_in_place(&run, false)?,
            Way::Step => rig.token_in_place(&run, true)?,
            Way::Shards(_) => rig.token_shards(&run, self.parts())?,
        };
        Ok(self.outputs(&result, d_logits))
    }
}
