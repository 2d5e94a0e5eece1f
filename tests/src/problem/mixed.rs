//! Weighted sums of losses on the same token log-probabilities.

use bellwether_core::Error;

use super::{Backend, Judged, Output, Outputs, Precision, Problem, RunError};

/// Steps from token log-probabilities whose losses and gradients are added. What else a step gives is the first one's.
pub struct Mixed {
    /// The weights and the steps.
    pub parts: Vec<(f64, Box<dyn Problem>)>,
    /// What each token's log-probability was multiplied by: 1, but for LD-DPO's tail.
    pub token_weights: Vec<f64>,
}

impl Mixed {
    /// The parts' outputs as one. `add(total, weight, term)`, `scale(weight, term)`.
    fn sum<T: Copy>(
        &self,
        parts: Vec<Outputs<T>>,
        add: impl Fn(T, f64, T) -> T,
        scale: impl Fn(f64, T) -> T,
    ) -> Outputs<T> {
        let mut parts = parts.into_iter().zip(self.parts.iter().map(|(weight, _)| *weight));
        let Some((mut sum, first)) = parts.next() else { return Vec::new() };
        for output in &mut sum {
            for place in added(output) {
                *place = scale(first, *place);
            }
        }
        for (mut part, weight) in parts {
            for (output, term) in sum.iter_mut().zip(&mut part) {
                added(output).iter_mut().zip(added(term)).for_each(|(to, x)| *to = add(*to, weight, *x));
            }
        }
        for output in sum.iter_mut().filter(|output| output.name == "d_logps") {
            output.data.iter_mut().zip(&self.token_weights).for_each(|(x, &w)| *x = scale(w, *x));
        }
        sum
    }
}

/// The numbers of an output that parts add to: the loss and the gradient.
fn added<T>(output: &mut Output<T>) -> &mut [T] {
    match output.name {
        "summary" => &mut output.data[..1],
        "d_logps" => &mut output.data,
        _ => &mut [],
    }
}

impl Problem for Mixed {
    fn op(&self) -> &'static str {
        self.parts.first().map_or("pair", |(_, part)| part.op())
    }

    fn reference(&self, precision: Precision) -> Result<Outputs<Judged>, Error> {
        let parts = self.parts.iter().map(|(_, part)| part.reference(precision)).collect::<Result<_, _>>()?;
        let scale = |w: f64, x: Judged| Judged { value: w * x.value, error: w.abs() * x.error };
        let add = |to: Judged, w: f64, x: Judged| Judged {
            value: to.value + w * x.value,
            error: to.error + w.abs() * x.error,
        };
        Ok(self.sum(parts, add, scale))
    }

    fn run(&self, backend: Backend<'_>) -> Result<Outputs<f64>, RunError> {
        let parts = self.parts.iter().map(|(_, part)| part.run(backend)).collect::<Result<_, _>>()?;
        Ok(self.sum(parts, |to, w, x| to + w * x, |w, x| w * x))
    }
}
