//! What trainers report of a policy-gradient loss, and the loss of an actor and a critic together.

use bellwether_core::Error;
use bellwether_core::policy::ValueClip;

use super::{Compute, Derive, Derived, MapProblem, Number, Output, Outputs, PolicyProblem, RunError, inputs};
use crate::rig::Rig;

/// The batch's loss and metrics from those of its rows.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The surrogate's metrics.
    pub metrics: &'static [&'static str],
    /// Whether a metric is one number per row, of which the mean is taken, or a mean over a row's tokens.
    pub by_row: bool,
    /// What the rows' losses are multiplied by.
    pub scale: f64,
    /// What is subtracted: entropies, each with its share in their mean.
    pub entropy: Vec<f64>,
}

fn plane<'o, T>(outputs: &'o Outputs<T>, name: &str) -> &'o [T] {
    outputs.iter().find(|o| o.name == name).map_or(&[], |o| &o.data)
}

impl Actor {
    /// A metric's mean over the batch.
    fn mean<T: Number>(&self, outputs: &Outputs<T>, name: &str, by_row: bool) -> T {
        let (rows, tokens) = (plane(outputs, name), plane(outputs, "tokens"));
        if by_row {
            return T::total(rows.iter().copied()) / T::lift(rows.len().max(1) as f64);
        }
        let all: f64 = tokens.iter().map(|n| n.value()).sum();
        T::dot(rows.iter().copied().zip(tokens.iter().copied())) / T::lift(all.max(1.0))
    }
}

impl Derive for Actor {
    fn derive<T: Number>(&self, outputs: &Outputs<T>) -> Outputs<T> {
        let losses = plane(outputs, "loss").iter().map(|&loss| T::lift(self.scale) * loss);
        let bonus = T::total(inputs::<T>(&self.entropy).into_iter());
        let means: Vec<T> = self.metrics.iter().map(|name| self.mean(outputs, name, self.by_row)).collect();
        let names = ["mean_0", "mean_1"];
        let mut derived = vec![
            Output::new("sum", 1, vec![T::total(losses) - bonus]),
            Output::new("mean_kl", 1, vec![self.mean(outputs, "kl", false)]),
            Output::new("mean_both", 1, vec![T::total(means.iter().copied())]),
        ];
        derived.extend(names.iter().zip(means).map(|(name, mean)| Output::new(name, 1, vec![mean])));
        derived
    }
}

/// A policy's loss plus a weight times a value function's.
pub struct ActorCritic<S> {
    /// The policy.
    pub policy: Derived<PolicyProblem<S>, Actor>,
    /// The value function.
    pub value: MapProblem<ValueClip>,
    /// The weight of the value function's loss.
    pub weight: f64,
}

impl<S> ActorCritic<S> {
    fn joined<T: Number>(&self, policy: Outputs<T>, value: &Outputs<T>) -> Outputs<T> {
        let (weight, scale) = (T::lift(self.weight), T::lift(self.value.reduction.scale()));
        let loss = plane(value, "sum").to_vec();
        let total = plane(&policy, "sum").iter().zip(&loss).map(|(&p, &v)| p + weight * v).collect();
        let clipped = scale * T::total(plane(value, "clipped").iter().copied());
        let gradient = plane(value, "d_value").iter().map(|&d| weight * d).collect();
        let mut outputs = policy;
        outputs.extend([
            Output::new("total", 1, total),
            Output::new("value_loss", 1, loss),
            Output::new("value_clipped", 1, vec![clipped]),
            Output::new("d_value", self.value.len, gradient),
        ]);
        outputs
    }
}

impl<S: bellwether_cpu_ref::policy_rows::SurrogateRow> Compute for ActorCritic<S> {
    fn op(&self) -> &'static str {
        S::SPEC.slug
    }

    fn cpu<T: Number>(&self) -> Result<Outputs<T>, Error> {
        Ok(self.joined(self.policy.cpu()?, &self.value.cpu()?))
    }

    fn gpu(&self, rig: &Rig) -> Result<Outputs<f32>, RunError> {
        Ok(self.joined(self.policy.gpu(rig)?, &self.value.gpu(rig)?))
    }
}
