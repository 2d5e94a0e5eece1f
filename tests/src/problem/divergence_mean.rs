//! A divergence averaged over the rows that count, with both gradients: what peers call the loss.

use bellwether_core::Error;
use bellwether_core::logprob::SequenceMean;
use bellwether_core::sig::Reduction;
use bellwether_core::sig::logit_pairs::UPSTREAM;
use bellwether_core::sig::segment_stats::{Keep, Segments, VALUE};
use bellwether_cpu_ref::logit_pairs::PairRow;

use super::{Compute, LogitPairProblem, Number, Output, Outputs, RunError, singles};
use crate::rig::Rig;

/// The rows, and which plane of theirs is averaged.
#[derive(Clone, Debug)]
pub struct DivergenceMean<O> {
    /// The rows; their upstream gradients are those of the mean.
    rows: LogitPairProblem<O>,
    /// The plane's name.
    plane: &'static str,
}

impl<O: PairRow> DivergenceMean<O> {
    /// The mean of plane `plane`, whose upstream gradient is the operator's `upstream`.
    pub fn new(rows: LogitPairProblem<O>, plane: &'static str, upstream: usize) -> Self {
        let n = rows.labels.len();
        let kept = (0..n).filter(|&i| rows.rules.of(&rows.labels, i).is_some()).count();
        let share = vec![1.0 / kept.max(1) as f64; n];
        let mut planes = [const { None }; UPSTREAM];
        planes[upstream] = Some(share);
        Self { rows: LogitPairProblem { upstream: planes, ..rows }, plane }
    }

    /// The loss before the gradients.
    fn outputs<T: Copy>(loss: T, rows: Outputs<T>) -> Outputs<T> {
        let gradients = rows.into_iter().filter(|o| o.name.starts_with("d_"));
        std::iter::once(Output::new("loss", 1, vec![loss])).chain(gradients).collect()
    }

    fn values<'o, T>(&self, rows: &'o Outputs<T>) -> &'o [T] {
        rows.iter().find(|o| o.name == self.plane).map_or(&[], |o| &o.data)
    }
}

impl<O: PairRow> Compute for DivergenceMean<O> {
    fn op(&self) -> &'static str {
        O::SPEC.slug
    }

    fn cpu<T: Number>(&self) -> Result<Outputs<T>, Error> {
        let rows = self.rows.cpu::<T>()?;
        let counts = |i: &usize| self.rows.rules.of(&self.rows.labels, *i).is_some();
        let kept: Vec<T> =
            self.values(&rows).iter().enumerate().filter(|(i, _)| counts(i)).map(|(_, &x)| x).collect();
        let loss = T::total(kept.iter().copied()) / T::input(kept.len().max(1) as f64);
        Ok(Self::outputs(loss, rows))
    }

    fn gpu(&self, rig: &Rig) -> Result<Outputs<f32>, RunError> {
        let rows = self.rows.gpu(rig)?;
        let labels = &self.rows.labels;
        let segments = Segments::Padded { count: 1, len: labels.len() };
        let keep = Keep::Labelled { labels, rules: self.rows.rules };
        let up = singles(&[1.0]);
        let (mean, _) =
            rig.segment_stats(&SequenceMean {}, self.values(&rows), segments, keep, Reduction::Sum, &up)?;
        Ok(Self::outputs(mean[VALUE], rows))
    }
}
