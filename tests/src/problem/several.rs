//! Several labels per row of logits: the log-probability of each, and one gradient.

use bellwether_core::{Error, Op, logprob::Token};

use super::{Compute, Number, Output, Outputs, RunError, TokenProblem};
use crate::rig::Rig;

/// Rows that are scored by `labels` labels each. The problem has a row per label; those of one row are neighbours.
pub struct SeveralProblem {
    /// One label per row.
    pub rows: TokenProblem,
    /// Labels per row.
    pub labels: usize,
}

impl SeveralProblem {
    /// Adds up the gradients of the copies of a row.
    fn folded<T: Number>(&self, outputs: Outputs<T>) -> Outputs<T> {
        let (v, k) = (self.rows.v, self.labels);
        let fold = |output: Output<T>| match output.name {
            "d_logits" => {
                let sum = |row: &[T], j: usize| T::total((0..k).map(|copy| row[copy * v + j]));
                let rows = output.data.chunks_exact((k * v).max(1));
                let data = rows.flat_map(|row| (0..v).map(move |j| sum(row, j))).collect();
                Output::new(output.name, v, data)
            }
            _ => output,
        };
        outputs.into_iter().map(fold).collect()
    }
}

impl Compute for SeveralProblem {
    fn op(&self) -> &'static str {
        Token::SPEC.slug
    }

    fn cpu<T: Number>(&self) -> Result<Outputs<T>, Error> {
        Ok(self.folded(Compute::cpu(&self.rows)?))
    }

    fn gpu(&self, rig: &Rig) -> Result<Outputs<f32>, RunError> {
        Ok(self.folded(Compute::gpu(&self.rows, rig)?))
    }
}
