//! A pair loss beside the likelihood of a third response, from logits.

use bellwether_core::Error;
use bellwether_core::logprob::SequenceSum;

use super::{Backend, Judged, Output, Outputs, Precision, Problem, RunError, SequenceProblem};

/// A step of a pair loss, and sequences whose weighted log-probabilities are added: rows of logits of their own.
pub struct Triple {
    /// The pairs.
    pub pairs: Box<dyn Problem>,
    /// The third responses; their upstream gradients are what each log-probability is weighted with.
    pub gold: SequenceProblem<SequenceSum>,
}

impl Triple {
    /// Both parts' loss and gradient. `add(total, weight, term)`.
    fn joined<T: Copy>(
        &self,
        pairs: &Outputs<T>,
        gold: &Outputs<T>,
        add: impl Fn(T, f64, T) -> T,
    ) -> Outputs<T> {
        let plane = |of: &Outputs<T>, name: &str| -> Vec<T> {
            of.iter().filter(|output| output.name == name).flat_map(|output| output.data.clone()).collect()
        };
        let terms = plane(gold, "logps").into_iter().zip(&self.gold.upstream);
        let loss = plane(pairs, "summary").into_iter().take(1);
        let loss = loss.map(|loss| terms.clone().fold(loss, |sum, (logp, weight)| add(sum, *weight, logp)));
        let d_logits = [plane(pairs, "d_logits"), plane(gold, "d_logits")].concat();
        vec![
            Output::new("loss", 1, loss.collect()),
            Output::new("gold_logps", 1, plane(gold, "logps")),
            Output::new("d_logits", self.gold.v, d_logits),
        ]
    }
}

impl Problem for Triple {
    fn op(&self) -> &'static str {
        self.pairs.op()
    }

    fn reference(&self, precision: Precision) -> Result<Outputs<Judged>, Error> {
        let add = |to: Judged, w: f64, x: Judged| Judged {
            value: to.value + w * x.value,
            error: to.error + w.abs() * x.error,
        };
        Ok(self.joined(&self.pairs.reference(precision)?, &self.gold.reference(precision)?, add))
    }

    fn run(&self, backend: Backend<'_>) -> Result<Outputs<f64>, RunError> {
        Ok(self.joined(&self.pairs.run(backend)?, &self.gold.run(backend)?, |to, w, x| to + w * x))
    }
}
