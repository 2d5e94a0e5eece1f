//! Operators on numbers per token.

use bellwether_core::logprob::{Dft, K1, K2, K3, Nll};
use bellwether_core::sig::Reduction;
use bellwether_cpu_ref::token_map::MapRow;
use serde::de::DeserializeOwned;
use serde_json::Map;

use super::pair::{cotangent, reduction};
use super::reader::Reader;
use super::{Entry, Judgement, all, one};
use crate::file::FileError;
use crate::maps::{self, MapVisitor};
use crate::problem::{Layout, MapProblem};
use crate::tensor::Tensor;

type Found = Result<Vec<Judgement>, FileError>;

/// The problems of a case of this signature; `None` when the operator is another.
pub(super) fn read(reader: Reader<'_>) -> Option<Found> {
    match reader.case.op.as_str() {
        "kl.k1" => Some(divergence(reader, K1 {})),
        "kl.k2" => Some(divergence(reader, K2 {})),
        "kl.k3" => Some(divergence(reader, K3 {})),
        "sft.nll" => Some(sft(reader, Nll {}, "nll")),
        "sft.dft" => Some(sft(reader, Dft {}, "dft")),
        slug => contract(reader, slug),
    }
}

/// The problem on a file's arrays, each a name in the file.
fn problem<O: MapRow>(
    reader: Reader<'_>,
    op: O,
    inputs: &[&'static str],
    constants: &[&'static str],
    mask: Option<Vec<u32>>,
) -> Result<MapProblem<O>, FileError> {
    let like = reader.floats(inputs[0])?;
    let (rows, len) = rows_of(like);
    let counts = |i: usize| mask.as_ref().is_none_or(|mask| mask[i] != 0);
    let array = |name: &&'static str| {
        let found = reader.floats_of(name, &like.shape, inputs[0])?;
        let bad = found.data.iter().enumerate().find(|&(i, x)| !x.is_finite() && counts(i));
        match bad {
            None => Ok(found.data.clone()),
            Some((i, &x)) => {
                let len = len.max(1);
                Err(FileError::non_finite(reader.case, &format!("in.{name}"), i / len, i % len, x))
            }
        }
    };
    let inputs = inputs.iter().map(array).collect::<Result<_, _>>()?;
    let constants = constants.iter().map(array).collect::<Result<_, _>>()?;
    let (reduction, layout) = (Reduction::Sum, Layout::Packed);
    Ok(MapProblem { op, rows, len, inputs, constants, mask, upstream: None, reduction, layout })
}

/// The last dimension is the row.
fn rows_of(tensor: &Tensor) -> (usize, usize) {
    match tensor.shape.split_last() {
        None => (1, 1),
        Some((&len, before)) => (before.iter().product(), len),
    }
}

/// A mask of the shape of another input.
fn mask_of(reader: Reader<'_>, name: &str, like: &'static str) -> Result<Vec<u32>, FileError> {
    let words = reader.integers_of(name, &reader.floats(like)?.shape, like)?;
    Ok(words.into_iter().map(i32::cast_unsigned).collect())
}

/// The gradient's weights.
fn upstream(reader: Reader<'_>, name: &str) -> Result<Option<Vec<f64>>, FileError> {
    reader.allow_cotangents(&[name])?;
    Ok(reader.case.cotangents.get(name).map(|t| t.data.clone()))
}

/// Sampled divergences of log-probabilities.
fn divergence<O: MapRow>(reader: Reader<'_>, op: O) -> Found {
    reader.allow(&[])?;
    let problem = problem(reader, op, &["logps"], &["ref_logps"], None)?;
    let problem = MapProblem { upstream: upstream(reader, "kl")?, ..problem };
    Ok(vec![Judgement::new(problem, &[all("kl", "kl")], &[all("logps", "d_logp")])])
}

/// TRL's losses of supervised fine-tuning. It sums over all log-probabilities, and gives all of them a gradient: those
/// of tokens that do not count are zeros by then. The mask gives the denominator alone.
fn sft<O: MapRow>(reader: Reader<'_>, op: O, name: &'static str) -> Found {
    reader.allow(&["loss_type"])?;
    reader.word("loss_type", &[name], name)?;
    let mask = mask_of(reader, "label_mask", "per_token_logps")?;
    let plain = problem(reader, op, &["per_token_logps"], &[], None)?;
    if let Some(i) = plain.inputs[0].iter().zip(&mask).position(|(&x, &word)| word == 0 && x != 0.0) {
        return Err(reader.refused(format!("in.per_token_logps[{i}] is not 0 where in.label_mask is")));
    }
    let kept = mask.iter().filter(|word| **word != 0).count();
    let reduction = Reduction::Mean { over: u32::try_from(kept).unwrap_or(u32::MAX).max(1) };
    let problem = MapProblem { reduction, ..plain };
    let mut judgement =
        Judgement::new(problem, &[one("loss", "sum", 0)], &[all("per_token_logps", "d_logp")]);
    judgement.cotangent = cotangent(reader)?;
    Ok(vec![judgement])
}

/// Our own names: inputs, constants and outputs as the operator names them, `in.mask` where not everything counts;
/// gradients of the (weighted, reduced) sum of the first output.
fn contract(reader: Reader<'_>, slug: &str) -> Option<Found> {
    let mut params: Map<_, _> = reader.case.params.clone().into_iter().collect();
    for common in ["reduction", "accumulate", "acc_dtype"] {
        params.remove(common);
    }
    let found = maps::visit(slug, params, Contract(reader))?;
    Some(found.unwrap_or_else(|error| Err(reader.refused(error))))
}

struct Contract<'c>(Reader<'c>);

impl MapVisitor for Contract<'_> {
    type Out = Found;

    fn visit<O: MapRow + DeserializeOwned>(self, op: O) -> Found {
        let reader = self.0;
        op.check().map_err(|error| reader.refused(error))?;
        let planes = O::PLANES;
        let given = reader.case.inputs.get("mask").is_some();
        let mask = if given { Some(mask_of(reader, "mask", planes.inputs[0])?) } else { None };
        let problem = problem(reader, op, planes.inputs, planes.constants, mask)?;
        let kept = problem
            .mask
            .as_ref()
            .map_or(problem.rows * problem.len, |m| m.iter().filter(|w| **w != 0).count());
        let problem = MapProblem {
            upstream: upstream(reader, planes.outputs[0])?,
            reduction: reduction(reader, false, kept)?,
            ..problem
        };
        let outputs: Vec<Entry> =
            planes.outputs.iter().map(|name| all(name, name)).chain([one("sum", "sum", 0)]).collect();
        let grads: Vec<Entry> = planes.inputs.iter().zip(planes.gradients).map(|(x, d)| all(x, d)).collect();
        Ok(vec![Judgement::new(problem, &outputs, &grads)])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::check::check;
    use crate::file;
    use crate::problem::Backend;
    use crate::report::Verdict;

    /// The verdict of a case in JSON, or the error.
    fn verdict(case: &serde_json::Value) -> Result<Verdict, String> {
        let folder = tempfile::TempDir::new().expect("a folder");
        let path = folder.path().join("case.json");
        std::fs::write(&path, case.to_string()).expect("a file");
        let cases = file::load(&path).map_err(|e| e.to_string())?;
        let reports = check(&cases[0], &[Backend::CpuF32]).map_err(|e| e.to_string())?;
        assert!(reports[1].verdict == Verdict::Agrees, "{reports:?}");
        Ok(reports[0].verdict)
    }

    fn f64s(data: &[f64]) -> serde_json::Value {
        json!({"dtype": "f64", "shape": [data.len()], "data": data})
    }

    #[test]
    fn our_own_names_are_judged() {
        let case = |gradient: f64| {
            json!({
                "id": "own", "op": "logprob/k2", "params": {"reduction": "mean"},
                "inputs": {
                    "logp": f64s(&[-1.0, -9.0, -3.0]), "ref_logp": f64s(&[-2.0, 7.0, -1.0]),
                    "mask": {"dtype": "i64", "shape": [3], "data": [1, 0, 1]},
                },
                "outputs": {"kl": f64s(&[0.5, 0.0, 2.0]), "sum": f64s(&[1.25])},
                "grads": {"logp": f64s(&[0.5, 0.0, gradient])},
            })
        };
        assert_eq!(verdict(&case(-1.0)), Ok(Verdict::Agrees));
        assert_eq!(verdict(&case(-2.0)), Ok(Verdict::Disagrees));
        let mut unknown = case(-1.0);
        unknown["params"]["beta"] = json!(0.1);
        let said = verdict(&unknown).unwrap_err();
        assert!(said.contains("beta"), "{said}");
    }

    #[test]
    fn a_masked_log_probability_that_the_peer_would_count_is_refused() {
        let case = |hidden: f64| {
            json!({
                "id": "sft", "op": "sft.nll", "params": {},
                "inputs": {
                    "per_token_logps": f64s(&[-1.0, hidden]),
                    "label_mask": {"dtype": "i64", "shape": [2], "data": [1, 0]},
                },
                "outputs": {"loss": {"dtype": "f64", "shape": [], "data": [1.0]}},
            })
        };
        assert_eq!(verdict(&case(0.0)), Ok(Verdict::Agrees));
        let said = verdict(&case(-2.0)).unwrap_err();
        assert!(said.contains("per_token_logps[1]"), "{said}");
    }
}
