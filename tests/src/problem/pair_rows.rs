//! Problems of the signature PairRows.

use bellwether_core::Error;
use bellwether_core::pair::PairLoss;
use bellwether_core::sig::Reduction;
use bellwether_core::sig::pair_rows::{LOGGED, PLANES};
use bellwether_cpu_ref::pair_rows::{Extras, PairInputs, PairLink, Plane, pair_rows};

use super::{Compute, Number, Output, Outputs, RunError, inputs, planes, singles, zeros};
use crate::rig::{PairPlanes, Rig};

/// Log-probabilities of pairs.
#[derive(Clone, Debug)]
pub struct PairProblem<L> {
    /// The loss.
    pub loss: PairLoss<L>,
    /// `chosen, rejected, ref_chosen, ref_rejected`, `[n]` each.
    pub logps: [Vec<f64>; 4],
    /// Tokens of chosen and rejected responses.
    pub lengths: Option<[Vec<f64>; 2]>,
    /// Weights, margins and preferences.
    pub extras: [Option<Vec<f64>>; 3],
    /// How the losses become one.
    pub reduction: Option<Reduction>,
}

impl<L: PairLink> PairProblem<L> {
    /// Log-probabilities and nothing else.
    pub const fn new(loss: PairLoss<L>, logps: [Vec<f64>; 4]) -> Self {
        Self { loss, logps, lengths: None, extras: [None, None, None], reduction: None }
    }

    /// The reduction: the mean over these pairs unless said otherwise.
    fn reduction(&self) -> Reduction {
        let over = u32::try_from(self.logps[0].len()).unwrap_or(u32::MAX).max(1);
        self.reduction.unwrap_or(Reduction::Mean { over })
    }

    fn outputs<T: Copy>(&self, result: &[T], summary: Vec<T>) -> Outputs<T> {
        let mut outputs = planes(&PLANES, result);
        outputs.push(Output::new("summary", LOGGED, summary));
        outputs
    }
}

impl<L: PairLink> Compute for PairProblem<L> {
    fn op(&self) -> &'static str {
        L::SPEC.slug
    }

    fn cpu<T: Number>(&self) -> Result<Outputs<T>, Error> {
        let [chosen, rejected, ref_chosen, ref_rejected] = self.logps.each_ref().map(|x| inputs::<T>(x));
        let lengths = self.lengths.as_ref().map(|n| n.each_ref().map(|x| inputs::<T>(x)));
        let mut x = PairInputs::new(&chosen, &rejected, &ref_chosen, &ref_rejected);
        if let Some([chosen, rejected]) = &lengths {
            x = x.with_lengths(chosen, rejected);
        }
        let extras = self.extras.each_ref().map(|plane| plane.as_deref().map(inputs::<T>));
        let [weight, margin, preference] = extras.each_ref().map(|plane| plane.as_deref().map(Plane::from));
        x.extras = Extras { weight, margin, preference };
        let n = chosen.len();
        let mut result = zeros(PLANES.len() * n);
        pair_rows(&self.loss, &x, self.reduction(), &mut result)?;
        let scale = T::lift(self.reduction().scale());
        let mean = |plane: usize| scale * T::total(result[plane * n..][..n].iter().copied());
        let mut outputs = self.outputs(&result, (0..LOGGED).map(mean).collect());
        let mean = |logps: &[T]| T::lift(1.0 / n.max(1) as f64) * T::total(logps.iter().copied());
        outputs.push(Output::new("logps_mean", 2, vec![mean(&chosen), mean(&rejected)]));
        Ok(outputs)
    }

    fn gpu(&self, rig: &Rig) -> Result<Outputs<f32>, RunError> {
        let logps = self.logps.each_ref().map(|x| singles(x));
        let lengths = self.lengths.as_ref().map(|n| n.each_ref().map(|x| singles(x)));
        let lengths = lengths.as_ref().map(|n| n.each_ref().map(Vec::as_slice));
        let extras = self.extras.each_ref().map(|plane| plane.as_deref().map(singles));
        let planes = PairPlanes {
            logps: logps.each_ref().map(Vec::as_slice),
            lengths,
            extras: extras.each_ref().map(Option::as_deref),
        };
        let (result, summary) = rig.pair_rows(&self.loss, planes, self.reduction())?;
        Ok(self.outputs(&result, summary))
    }
}
