//! A problem and what peers compute from its results: means over one side of a batch, sums of rows, a value from a
//! logsumexp.

use bellwether_core::{Error, Real};

use super::{Compute, Number, Output, Outputs, RunError, inputs};
use crate::rig::Rig;

/// Results formed from those of a problem.
pub trait Derive {
    /// The results, in any scalar.
    fn derive<T: Number>(&self, outputs: &Outputs<T>) -> Outputs<T>;
}

/// A problem whose results are joined by derived ones.
pub struct Derived<C, D> {
    /// The problem.
    pub problem: C,
    /// What else is formed.
    pub derive: D,
}

impl<C: Compute, D: Derive> Derived<C, D> {
    fn joined<T: Number>(&self, mut outputs: Outputs<T>) -> Outputs<T> {
        outputs.extend(self.derive.derive(&outputs));
        outputs
    }
}

impl<C: Compute, D: Derive> Compute for Derived<C, D> {
    fn op(&self) -> &'static str {
        self.problem.op()
    }

    fn cpu<T: Number>(&self) -> Result<Outputs<T>, Error> {
        Ok(self.joined(self.problem.cpu()?))
    }

    fn gpu(&self, rig: &Rig) -> Result<Outputs<f32>, RunError> {
        Ok(self.joined(self.problem.gpu(rig)?))
    }
}

/// A plane by name; empty where there is none, which no claim agrees with.
fn plane<'o, T>(outputs: &'o Outputs<T>, name: &str) -> &'o [T] {
    outputs.iter().find(|o| o.name == name).map_or(&[], |o| &o.data)
}

/// The mean; of nothing, nothing.
fn mean<T: Number>(numbers: &[T]) -> Option<T> {
    let n = T::lift(numbers.len() as f64);
    (!numbers.is_empty()).then(|| T::total(numbers.iter().copied()) / n)
}

/// The two sides of a batch of labelled responses.
#[derive(Clone, Debug)]
pub struct Sides {
    /// Which responses are desirable.
    pub desirable: Vec<bool>,
    /// Log-probabilities of responses behind prompts that are not theirs, of policy and reference.
    pub mismatched: [Vec<f64>; 2],
    /// What the running mean was, and how many of all rewards so far are this batch's.
    pub running: Option<(f64, f64)>,
}

impl Derive for Sides {
    fn derive<T: Number>(&self, outputs: &Outputs<T>) -> Outputs<T> {
        let side = |name, desirable| -> Vec<T> {
            let labelled = plane(outputs, name).iter().zip(&self.desirable);
            labelled.filter(|(_, label)| **label == desirable).map(|(&x, _)| x).collect()
        };
        let rewards = [true, false].map(|label| side("reward", label));
        let [good, bad] = [mean(&rewards[0]), mean(&rewards[1])];
        let margin = good.zip(bad).map(|(good, bad)| good - bad);
        let [policy, reference] = self.mismatched.each_ref().map(|logps| inputs::<T>(logps));
        let ratios: Vec<T> = policy.into_iter().zip(reference).map(|(p, r)| p - r).collect();
        let kl = mean(&ratios).map_or_else(T::zero, Real::relu);
        let delta = self
            .running
            .zip(mean(plane(outputs, "reward")))
            .map(|((before, share), mean)| T::lift(before) + (mean - T::lift(before)) * T::lift(share));
        let [desirable, undesirable] = rewards;
        let some = |name, x: Option<T>| Output::new(name, 1, x.into_iter().collect());
        vec![
            Output::new("reward_desirable", 1, desirable),
            Output::new("reward_undesirable", 1, undesirable),
            Output::new("d_desirable", 1, side("d_logp", true)),
            Output::new("d_undesirable", 1, side("d_logp", false)),
            some("mean_desirable", good),
            some("mean_undesirable", bad),
            some("margin", margin),
            some("kl", Some(kl)),
            some("delta", delta),
        ]
    }
}

/// A plane with its sign turned, under another name.
#[derive(Clone, Copy, Debug)]
pub struct Turned {
    /// The plane.
    pub plane: &'static str,
    /// The other name.
    pub called: &'static str,
}

impl Derive for Turned {
    fn derive<T: Number>(&self, outputs: &Outputs<T>) -> Outputs<T> {
        let turned = plane(outputs, self.plane).iter().map(|&x| -x).collect();
        vec![Output::new(self.called, 1, turned)]
    }
}

/// Sums of rows of planes, each under a name of its own.
#[derive(Clone, Debug)]
pub struct RowSums {
    /// Elements of a row.
    pub len: usize,
    /// Planes, and what their sums are called.
    pub planes: &'static [(&'static str, &'static str)],
}

impl Derive for RowSums {
    fn derive<T: Number>(&self, outputs: &Outputs<T>) -> Outputs<T> {
        let sums = |&(name, sum): &(&'static str, &'static str)| {
            let rows = plane(outputs, name).chunks(self.len.max(1));
            Output::new(sum, 1, rows.map(|row| T::total(row.iter().copied())).collect())
        };
        self.planes.iter().map(sums).collect()
    }
}

/// The gradient of an array of values of which `v_tm1` and `v_t` are views one step apart.
#[derive(Clone, Copy, Debug)]
pub struct OneValue {
    /// Steps of a row.
    pub len: usize,
    /// Whether the array has a value behind the last step.
    pub bootstrap: bool,
}

impl Derive for OneValue {
    fn derive<T: Number>(&self, outputs: &Outputs<T>) -> Outputs<T> {
        let rows = |name| plane(outputs, name).chunks(self.len.max(1));
        let joined = rows("d_v_tm1").zip(rows("d_v_t")).flat_map(|(before, behind)| {
            let at = |k: usize| {
                let behind = k.checked_sub(1).map_or_else(T::zero, |k| behind[k]);
                before.get(k).map_or(behind, |&before| before + behind)
            };
            (0..self.len + usize::from(self.bootstrap)).map(at)
        });
        vec![Output::new("d_values", 1, joined.collect())]
    }
}

/// A gradient by arrays `[n, width]` of which a plane's numbers are weighted sums, spread over these.
#[derive(Clone, Debug)]
pub struct Spread {
    /// What it is called.
    pub called: &'static str,
    /// Numbers per number of a plane.
    pub width: usize,
    /// Planes with their weights.
    pub parts: Vec<(&'static str, Vec<f64>)>,
}

impl Derive for Spread {
    fn derive<T: Number>(&self, outputs: &Outputs<T>) -> Outputs<T> {
        let mut all: Option<Vec<T>> = None;
        for (name, weights) in &self.parts {
            let given = plane(outputs, name);
            let part = weights.iter().enumerate().map(|(i, &w)| given[i / self.width] * T::input(w));
            all = Some(match all {
                None => part.collect(),
                Some(before) => before.into_iter().zip(part).map(|(a, b)| a + b).collect(),
            });
        }
        vec![Output::new(self.called, self.width, all.unwrap_or_default())]
    }
}

/// Planes without the last number of each row.
#[derive(Clone, Copy, Debug)]
pub struct Shorter {
    /// Numbers of a row.
    pub len: usize,
    /// Planes, and what they are called without it.
    pub planes: &'static [(&'static str, &'static str)],
}

impl Derive for Shorter {
    fn derive<T: Number>(&self, outputs: &Outputs<T>) -> Outputs<T> {
        let cut = |&(name, called): &(&'static str, &'static str)| {
            let rows = plane(outputs, name).chunks(self.len.max(1));
            Output::new(called, 1, rows.flat_map(|row| row.iter().take(self.len - 1).copied()).collect())
        };
        self.planes.iter().map(cut).collect()
    }
}

/// A state that passes through steps which do not count, told at these too.
#[derive(Clone, Debug)]
pub struct Carried {
    /// Steps of a row.
    pub len: usize,
    /// The plane, and what it is called then.
    pub planes: (&'static str, &'static str),
    /// Which steps count.
    pub mask: Vec<u32>,
}

impl Derive for Carried {
    fn derive<T: Number>(&self, outputs: &Outputs<T>) -> Outputs<T> {
        let mut all = plane(outputs, self.planes.0).to_vec();
        for (row, mask) in all.chunks_mut(self.len.max(1)).zip(self.mask.chunks(self.len.max(1))) {
            for t in (0..row.len()).rev().filter(|&t| mask[t] == 0) {
                row[t] = row.get(t + 1).copied().unwrap_or_else(T::zero);
            }
        }
        vec![Output::new(self.planes.1, 1, all)]
    }
}

/// The optimal value of a prompt from the logsumexp of its rewards at a temperature.
#[derive(Clone, Copy, Debug)]
pub struct OptimalValue {
    /// The temperature.
    pub beta: f64,
    /// Rewards per prompt.
    pub n: usize,
}

impl Derive for OptimalValue {
    fn derive<T: Number>(&self, outputs: &Outputs<T>) -> Outputs<T> {
        let (beta, ln_n) = (T::lift(self.beta), T::lift((self.n as f64).ln()));
        let value = plane(outputs, "lse").iter().map(|&lse| beta * (lse - ln_n)).collect();
        let gradient = plane(outputs, "d_logits").iter().map(|&d| beta * d).collect();
        vec![Output::new("optimal_value", 1, value), Output::new("d_rewards", self.n, gradient)]
    }
}
