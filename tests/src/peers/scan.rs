//! Returns and advantages: rlax's and TRL's names, and our own.

use bellwether_core::returns::{Discounted, Gae, Lambda};
use bellwether_core::sig::Reduction;
use bellwether_cpu_ref::reverse_scan::ScanRow;
use serde::de::DeserializeOwned;
use serde_json::Map;

use super::reader::Reader;
use super::{Entry, Judgement, all};
use crate::file::FileError;
use crate::problem::{Derived, Layout, OneValue, RowSums, Rows, ScanProblem};
use crate::scans::{self, ScanVisitor};

type Found = Result<Vec<Judgement>, FileError>;
type Numbers = Result<Vec<f64>, FileError>;

/// The problems of a case of this signature; `None` when the operator is another.
pub(super) fn read(reader: Reader<'_>) -> Option<Found> {
    match reader.case.op.as_str() {
        "ppo.gae" => Some(ppo_gae(reader)),
        "gae" => Some(gae(reader)),
        "lambda_returns" => Some(lambda_returns(reader)),
        "discounted_returns" => Some(discounted_returns(reader)),
        slug => contract(reader, slug),
    }
}

/// Arrays of a file, `[rows, len]` each.
#[derive(Clone, Copy)]
pub(super) struct Arrays<'c> {
    pub(super) reader: Reader<'c>,
    pub(super) rows: usize,
    pub(super) len: usize,
    like: &'static str,
}

impl<'c> Arrays<'c> {
    /// Of the shape that this array has.
    pub(super) fn like(reader: Reader<'c>, name: &'static str) -> Result<Self, FileError> {
        let found = reader.floats(name)?;
        reader.has_rank(name, found, 2)?;
        Ok(Self { reader, rows: found.shape[0], len: found.shape[1], like: name })
    }

    pub(super) fn of(&self, name: &str, shape: &[usize]) -> Numbers {
        let found = self.reader.floats_of(name, shape, self.like)?;
        self.reader.active_finite(name, found, |_| true, false)?;
        Ok(found.data.clone())
    }

    /// One number per step.
    pub(super) fn steps(&self, name: &str) -> Numbers {
        self.of(name, &[self.rows, self.len])
    }

    /// `[rows, len + 1]`: the values before and behind each step.
    pub(super) fn before_and_behind(&self, name: &str) -> Result<[Vec<f64>; 2], FileError> {
        let values = self.of(name, &[self.rows, self.len + 1])?;
        let part =
            |k: usize| values.chunks(self.len + 1).flat_map(|row| &row[k..][..self.len]).copied().collect();
        Ok([part(0), part(1)])
    }

    /// One number for all steps.
    pub(super) fn fill(&self, x: f64) -> Vec<f64> {
        vec![x; self.rows * self.len]
    }

    /// `λ` as a number or as an array.
    pub(super) fn lambda(&self) -> Numbers {
        if self.reader.case.inputs.get("lambda_t").is_some() {
            self.reader.word("lambda", &["per-step input"], "per-step input")?;
            self.steps("lambda_t")
        } else {
            Ok(self.fill(self.reader.number("lambda", 1.0)?))
        }
    }

    /// The problem, with weights of the first output.
    pub(super) fn problem<O: ScanRow>(
        &self,
        op: O,
        inputs: Vec<Vec<f64>>,
        constants: Vec<Vec<f64>>,
        weights: &str,
    ) -> Result<ScanProblem<O>, FileError> {
        op.check().map_err(|error| self.reader.refused(error))?;
        let rows = Rows::Padded { rows: self.rows, len: self.len, lengths: None };
        let (mask, reduction, gradients, layout) = (None, Reduction::Sum, true, Layout::Packed);
        self.reader.allow_cotangents(&[weights])?;
        let upstream = self.reader.case.cotangents.get(weights).map(|t| t.data.clone());
        Ok(ScanProblem { op, rows, inputs, constants, mask, upstream, reduction, gradients, layout })
    }
}

/// TRL's: values `[B, T]`, nothing behind the last.
fn ppo_gae(reader: Reader<'_>) -> Found {
    reader.allow(&["gamma", "lambda"])?;
    let arrays = Arrays::like(reader, "rewards")?;
    let v_tm1 = arrays.steps("values")?;
    let (gamma, len) = (reader.number("gamma", 1.0)?, arrays.len);
    let ends = |i: usize| (i + 1).is_multiple_of(len);
    let discount = (0..v_tm1.len()).map(|i| if ends(i) { 0.0 } else { gamma }).collect();
    let v_t = (0..v_tm1.len()).map(|i| if ends(i) { 0.0 } else { v_tm1[i + 1] }).collect();
    let inputs = vec![arrays.steps("rewards")?, discount, arrays.lambda()?, v_tm1, v_t];
    let mut problem = arrays.problem(Gae {}, inputs, vec![], "advantages")?;
    problem.upstream = Some(arrays.steps("upstream")?);
    let problem = Derived { problem, derive: OneValue { len, bootstrap: false } };
    let outputs = [all("advantages", "advantages"), all("returns", "returns")];
    Ok(vec![Judgement::new(problem, &outputs, &[all("rewards", "d_r_t"), all("values", "d_values")])])
}

/// rlax's: values `[B, T + 1]`.
fn gae(reader: Reader<'_>) -> Found {
    reader.allow(&["lambda"])?;
    let arrays = Arrays::like(reader, "r_t")?;
    let [v_tm1, v_t] = arrays.before_and_behind("values")?;
    let inputs = vec![arrays.steps("r_t")?, arrays.steps("discount_t")?, arrays.lambda()?, v_tm1, v_t];
    let problem = arrays.problem(Gae {}, inputs, vec![], "advantages")?;
    let problem = Derived { problem, derive: OneValue { len: arrays.len, bootstrap: true } };
    let grads = [
        all("r_t", "d_r_t"),
        all("discount_t", "d_discount_t"),
        all("lambda_t", "d_lambda_t"),
        all("values", "d_values"),
    ];
    Ok(vec![Judgement::new(problem, &[all("advantages", "advantages")], &grads)])
}

fn lambda_returns(reader: Reader<'_>) -> Found {
    reader.allow(&["lambda"])?;
    let arrays = Arrays::like(reader, "r_t")?;
    let steps = |name| arrays.steps(name);
    let inputs = vec![steps("r_t")?, steps("discount_t")?, arrays.lambda()?, steps("v_t")?];
    let problem = arrays.problem(Lambda {}, inputs, vec![], "returns")?;
    let grads = [
        all("r_t", "d_r_t"),
        all("discount_t", "d_discount_t"),
        all("lambda_t", "d_lambda_t"),
        all("v_t", "d_v_t"),
    ];
    Ok(vec![Judgement::new(problem, &[all("returns", "returns")], &grads)])
}

/// One bootstrap value per row.
fn discounted_returns(reader: Reader<'_>) -> Found {
    reader.allow(&[])?;
    let arrays = Arrays::like(reader, "r_t")?;
    let last = arrays.of("v_T", &[arrays.rows])?;
    let v_t = last.iter().flat_map(|&v| std::iter::repeat_n(v, arrays.len)).collect();
    let inputs = vec![arrays.steps("r_t")?, arrays.steps("discount_t")?, v_t];
    let problem = arrays.problem(Discounted {}, inputs, vec![], "returns")?;
    let derive = RowSums { len: arrays.len, planes: &[("d_v_t", "d_last_v")] };
    let problem = Derived { problem, derive };
    let grads = [all("r_t", "d_r_t"), all("discount_t", "d_discount_t"), all("v_T", "d_last_v")];
    Ok(vec![Judgement::new(problem, &[all("returns", "returns")], &grads)])
}

/// Our own names: inputs, constants and outputs as the operator names them, `in.mask` where not everything counts;
/// gradients of the weighted sum of the first output.
fn contract(reader: Reader<'_>, slug: &str) -> Option<Found> {
    let mut params: Map<_, _> = reader.case.params.clone().into_iter().collect();
    for common in ["accumulate", "acc_dtype"] {
        params.remove(common);
    }
    let found = scans::visit(slug, params, Contract(reader))?;
    Some(found.unwrap_or_else(|error| Err(reader.refused(error))))
}

struct Contract<'c>(Reader<'c>);

impl ScanVisitor for Contract<'_> {
    type Out = Found;

    fn visit<O: ScanRow + DeserializeOwned>(self, op: O) -> Found {
        let (reader, planes) = (self.0, O::PLANES);
        let like = reader.floats(planes.inputs[0])?;
        reader.has_rank(planes.inputs[0], like, 2)?;
        let (rows, len) = (like.shape[0], like.shape[1]);
        let mask = match reader.case.inputs.get("mask") {
            None => None,
            Some(_) => Some(reader.integers_of("mask", &like.shape, planes.inputs[0])?),
        };
        let counts = |i: usize| mask.as_ref().is_none_or(|mask| mask[i] != 0);
        let array = |name: &&'static str| {
            let found = reader.floats_of(name, &like.shape, planes.inputs[0])?;
            match found.data.iter().enumerate().find(|&(i, x)| !x.is_finite() && counts(i)) {
                None => Ok(found.data.clone()),
                Some((i, &x)) => {
                    Err(FileError::non_finite(reader.case, &format!("in.{name}"), i / len, i % len, x))
                }
            }
        };
        let inputs = planes.inputs.iter().map(array).collect::<Result<_, _>>()?;
        let constants = planes.constants.iter().map(array).collect::<Result<_, _>>()?;
        let arrays = Arrays { reader, rows, len, like: planes.inputs[0] };
        let problem = arrays.problem(op, inputs, constants, planes.outputs[0])?;
        let mask = mask.map(|words| words.into_iter().map(i32::cast_unsigned).collect());
        let outputs: Vec<Entry> = planes.outputs.iter().map(|name| all(name, name)).collect();
        let grads: Vec<Entry> = planes.inputs.iter().zip(planes.gradients).map(|(x, d)| all(x, d)).collect();
        Ok(vec![Judgement::new(ScanProblem { mask, ..problem }, &outputs, &grads)])
    }
}
