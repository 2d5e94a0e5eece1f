//! A distillation loss from hidden states, with its gradients: what peers call a fused linear divergence.

use bellwether_core::Error;
use bellwether_core::logprob::{SequenceMean, Token};
use bellwether_core::sig::Reduction;
use bellwether_core::sig::logit_pairs::UPSTREAM;
use bellwether_core::sig::segment_stats::{Keep, Segments, VALUE};
use bellwether_cpu_ref::logit_pairs::PairRow;

use super::{Compute, FusedPairProblem, Hard, Number, Output, Outputs, RunError, singles};
use crate::rig::Rig;

/// `soft · mean divergence − hard · mean log-probability`, means over the rows that count.
#[derive(Clone, Debug)]
pub struct Distillation<O> {
    rows: FusedPairProblem<O>,
    /// The weights of divergence and label.
    weights: [f64; 2],
}

impl<O: PairRow> Distillation<O> {
    /// The loss with these weights of the divergence and of the label at temperature 1.
    pub fn new(rows: FusedPairProblem<O>, weights: [f64; 2]) -> Self {
        let n = rows.labels.len();
        let kept = (0..n).filter(|&i| rows.rules.of(&rows.labels, i).is_some()).count().max(1);
        let share = |weight: f64| Some(vec![weight / kept as f64; n]);
        let mut upstream = [const { None }; UPSTREAM];
        upstream[1] = share(weights[0]);
        let hard = (weights[1] != 0.0)
            .then(|| Hard { op: Token::default(), upstream: [share(-weights[1]), None, None, None, None] });
        Self { rows: FusedPairProblem { upstream, hard, ..rows }, weights }
    }

    /// The planes that the loss is of, each with its weight.
    fn parts(&self) -> Vec<(&'static str, f64)> {
        let hard = self.rows.hard.iter().map(|_| ("hard_logp", -self.weights[1]));
        std::iter::once((O::PLANES[6], self.weights[0])).chain(hard).collect()
    }

    /// The loss before the gradients.
    fn outputs<T: Copy>(loss: T, rows: Outputs<T>) -> Outputs<T> {
        let gradients = rows.into_iter().filter(|o| o.name.starts_with("d_"));
        std::iter::once(Output::new("loss", 1, vec![loss])).chain(gradients).collect()
    }
}

fn plane<'o, T>(rows: &'o Outputs<T>, name: &str) -> &'o [T] {
    rows.iter().find(|o| o.name == name).map_or(&[], |o| &o.data)
}

impl<O: PairRow> Compute for Distillation<O> {
    fn op(&self) -> &'static str {
        O::SPEC.slug
    }

    fn cpu<T: Number>(&self) -> Result<Outputs<T>, Error> {
        let rows = self.rows.cpu::<T>()?;
        let counts = |i: &usize| self.rows.rules.of(&self.rows.labels, *i).is_some();
        let mean = |name| {
            let kept = plane(&rows, name).iter().enumerate().filter(|(i, _)| counts(i)).map(|(_, &x)| x);
            let kept: Vec<T> = kept.collect();
            T::total(kept.iter().copied()) / T::input(kept.len().max(1) as f64)
        };
        let terms = self.parts().into_iter().map(|(name, weight)| T::input(weight) * mean(name));
        let loss = terms.fold(T::zero(), |loss, term| loss + term);
        Ok(Self::outputs(loss, rows))
    }

    fn gpu(&self, rig: &Rig) -> Result<Outputs<f32>, RunError> {
        let rows = self.rows.gpu(rig)?;
        let (labels, op) = (&self.rows.labels, SequenceMean {});
        let segments = Segments::Padded { count: 1, len: labels.len() };
        let keep = Keep::Labelled { labels, rules: self.rows.rules };
        let mut loss = 0.0;
        for (name, weight) in self.parts() {
            let values = plane(&rows, name);
            let (mean, _) =
                rig.segment_stats(&op, values, segments, keep, Reduction::Sum, &singles(&[1.0]))?;
            loss += weight as f32 * mean[VALUE];
        }
        Ok(Self::outputs(loss, rows))
    }
}
