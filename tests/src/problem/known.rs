//! Problems whose answer is known without a bound: exact outputs, and inputs that must be refused.

use bellwether_core::{Error, status};

use super::{Backend, Compute, Judged, Output, Outputs, Precision, Problem, RunError};

/// A problem some of whose outputs are known exactly, whatever its bound would allow.
pub struct Pinned<P> {
    /// The problem.
    pub problem: P,
    /// Outputs and their values.
    pub exact: Vec<(&'static str, Vec<f64>)>,
}

impl<P: Problem> Problem for Pinned<P> {
    fn op(&self) -> &'static str {
        self.problem.op()
    }

    fn reference(&self, precision: Precision) -> Result<Outputs<Judged>, Error> {
        let mut outputs = self.problem.reference(precision)?;
        for (name, values) in &self.exact {
            for output in outputs.iter_mut().filter(|o| o.name == *name) {
                output.data = exactly(values);
            }
        }
        Ok(outputs)
    }

    fn run(&self, backend: Backend<'_>) -> Result<Outputs<f64>, RunError> {
        self.problem.run(backend)
    }
}

/// A problem with inputs outside the contract: the CPU must refuse it, a kernel must say so in each row's status,
/// poison exactly the rows that are wrong, and leave the others right.
pub struct Fault<C> {
    /// The problem.
    pub problem: C,
    /// The status of every row.
    pub status: Vec<u32>,
}

fn exactly(values: &[f64]) -> Vec<Judged> {
    values.iter().map(|&value| Judged { value, error: 0.0 }).collect()
}

impl<C> Fault<C> {
    fn poisoned(&self) -> Vec<f64> {
        self.status.iter().map(|s| f64::from(u8::from(s & status::POISON != 0))).collect()
    }

    fn said(&self) -> Vec<f64> {
        self.status.iter().map(|&s| s.into()).collect()
    }
}

impl<C: Compute> Problem for Fault<C> {
    fn op(&self) -> &'static str {
        self.problem.op()
    }

    fn reference(&self, _: Precision) -> Result<Outputs<Judged>, Error> {
        let outputs = [("status", self.said()), ("poisoned", self.poisoned())];
        Ok(outputs.into_iter().map(|(name, values)| Output::new(name, 1, exactly(&values))).collect())
    }

    fn run(&self, backend: Backend<'_>) -> Result<Outputs<f64>, RunError> {
        let Backend::Gpu(rig) = backend else {
            let refused = self.problem.cpu::<f32>().is_err();
            let rows = vec![0.0; self.status.len()];
            let (said, poisoned) =
                if refused { (self.said(), self.poisoned()) } else { (rows.clone(), rows) };
            return Ok(vec![Output::new("status", 1, said), Output::new("poisoned", 1, poisoned)]);
        };
        let outputs = self.problem.gpu(rig)?;
        let said = outputs.iter().find(|o| o.name == "status");
        let said = said.map_or_else(Vec::new, |o| o.data.iter().map(|&x| x.into()).collect());
        let poisoned =
            (0..self.status.len()).map(|row| share_of_nan(&outputs, row, self.status.len())).collect();
        Ok(vec![Output::new("status", 1, said), Output::new("poisoned", 1, poisoned)])
    }
}

/// A problem with upstream gradients that are no numbers: a kernel poisons the gradients of exactly those rows, where
/// the CPU lets IEEE arithmetic carry them through.
pub struct BadUpstream<C> {
    /// The problem.
    pub problem: C,
    /// Which rows, all with as many gradients.
    pub bad: Vec<bool>,
}

impl<C: Compute> Problem for BadUpstream<C> {
    fn op(&self) -> &'static str {
        self.problem.op()
    }

    fn reference(&self, _: Precision) -> Result<Outputs<Judged>, Error> {
        let said: Vec<f64> = self.bad.iter().map(|&bad| f64::from(u8::from(bad))).collect();
        Ok(vec![Output::new("poisoned", 1, exactly(&said))])
    }

    fn run(&self, backend: Backend<'_>) -> Result<Outputs<f64>, RunError> {
        let (outputs, is_bad): (_, fn(&f32) -> bool) = match backend {
            Backend::Gpu(rig) => (self.problem.gpu(rig)?, |x| x.is_nan()),
            Backend::CpuF32 => (self.problem.cpu::<f32>()?, |x| !x.is_finite()),
        };
        let share = |row: usize| {
            let of_row = |o: &Output<f32>| {
                let width = o.data.len() / self.bad.len();
                o.data[row * width..][..width].to_vec()
            };
            let gradients = outputs.iter().filter(|o| o.name.starts_with("d_"));
            let values: Vec<f32> = gradients.flat_map(of_row).collect();
            values.iter().filter(|x| is_bad(x)).count() as f64 / values.len().max(1) as f64
        };
        Ok(vec![Output::new("poisoned", 1, (0..self.bad.len()).map(share).collect())])
    }
}

/// Which share of a row's outputs is NaN, its status left out: 1 in a poisoned row, 0 in a good one.
fn share_of_nan(outputs: &Outputs<f32>, row: usize, rows: usize) -> f64 {
    let of_rows = outputs.iter().filter(|o| o.name != "status" && o.data.len() == rows * o.width);
    let values: Vec<f32> = of_rows.flat_map(|o| o.data[row * o.width..][..o.width].iter().copied()).collect();
    values.iter().filter(|x| x.is_nan()).count() as f64 / values.len().max(1) as f64
}
