//! Problems of the signature LogitPairs.

use bellwether_core::sig::logit_pairs::{By, PLANES, PairLayout, UPSTREAM};
use bellwether_core::sig::token_rows::Labels;
use bellwether_core::{Error, Storage};
use bellwether_cpu_ref::logit_pairs::{LogitPairs, PairRow, logit_pairs, logit_pairs_backward};

use super::{Compute, Number, Output, Outputs, RunError, inputs, planes, singles, wide, zeros};
use crate::rig::{LogitPairRun, Rig};

/// Logits of a policy and of a reference, labels and upstream gradients.
#[derive(Clone, Debug, Default)]
pub struct LogitPairProblem<O> {
    /// The operator.
    pub op: O,
    /// Which label scores which row.
    pub rules: Labels,
    /// Logits per row.
    pub v: usize,
    /// Elements between two rows of `logits` and of `ref_logits`, which hold NaN at run time; on a GPU between those of
    /// their gradients too.
    pub gaps: [usize; 2],
    /// `[n, v]`.
    pub logits: Vec<f64>,
    /// `[n, v]`.
    pub ref_logits: Vec<f64>,
    /// `[n]`.
    pub labels: Vec<i32>,
    /// `[n]`: 0 where a row does not count.
    pub mask: Option<Vec<i32>>,
    /// `[n]` each, in the order of the operator's upstream gradients.
    pub upstream: [Option<Vec<f64>>; UPSTREAM],
    /// How logits and their gradients stand in memory.
    pub storage: Storage,
    /// Whether a GPU writes each gradient over the logits that it is by.
    pub in_place: bool,
}

impl<O: PairRow> LogitPairProblem<O> {
    fn layout(&self) -> PairLayout {
        let (stride, ref_stride) = (self.v + self.gaps[0], self.v + self.gaps[1]);
        PairLayout { v: self.v, stride, ref_stride, rules: self.rules }
    }

    /// Rows with gaps between them.
    fn spread(&self, logits: &[f64], gap: usize) -> Vec<f64> {
        if gap == 0 {
            return logits.to_vec();
        }
        logits.chunks_exact(self.v).flat_map(|row| [row, &vec![f64::NAN; gap]].concat()).collect()
    }

    fn both(&self) -> [Vec<f64>; 2] {
        [self.spread(&self.logits, self.gaps[0]), self.spread(&self.ref_logits, self.gaps[1])]
    }

    fn outputs<T: Copy>(&self, result: &[T], d_logits: Vec<T>, d_ref_logits: Vec<T>) -> Outputs<T> {
        let mut outputs = planes(O::PLANES, result);
        outputs.push(Output::new("d_logits", self.v, d_logits));
        outputs.push(Output::new("d_ref_logits", self.v, d_ref_logits));
        outputs
    }
}

impl<O: PairRow> Compute for LogitPairProblem<O> {
    fn op(&self) -> &'static str {
        O::SPEC.slug
    }

    fn cpu<T: Number>(&self) -> Result<Outputs<T>, Error> {
        let [logits, ref_logits] = self.both().map(|x| wide::<T>(&x, self.storage));
        let mut pairs = LogitPairs::new([&logits, &ref_logits], &self.labels, self.layout());
        pairs.mask = self.mask.as_deref();
        let mut result = zeros(PLANES * self.labels.len());
        logit_pairs(&self.op, &pairs, &mut result)?;
        let up = self.upstream.each_ref().map(|plane| plane.as_deref().map(inputs::<T>));
        let up = up.each_ref().map(Option::as_deref);
        let mut gradients = [By::Policy, By::Reference].map(|by| (by, zeros(self.logits.len())));
        for (by, gradient) in &mut gradients {
            logit_pairs_backward(&self.op, &pairs, &up, *by, gradient)?;
        }
        let [d_logits, d_ref_logits] =
            gradients.map(|(_, d)| d.into_iter().map(|x| x.stored(self.storage)).collect());
        Ok(self.outputs(&result, d_logits, d_ref_logits))
    }

    fn gpu(&self, rig: &Rig) -> Result<Outputs<f32>, RunError> {
        let [logits, ref_logits] = self.both().map(|x| singles(&x));
        let up = self.upstream.each_ref().map(|plane| plane.as_deref().map(singles));
        let up = up.each_ref().map(Option::as_deref);
        let [result, d_logits, d_ref_logits] = rig.logit_pairs(&LogitPairRun {
            op: &self.op,
            layout: self.layout(),
            logits: [&logits, &ref_logits],
            labels: &self.labels,
            mask: self.mask.as_deref(),
            upstream: up,
            storage: self.storage,
            in_place: self.in_place,
        })?;
        Ok(self.outputs(&result, d_logits, d_ref_logits))
    }
}
