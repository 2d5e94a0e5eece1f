//! rlax's errors: what is a choice among action values there is an array here.

use bellwether_core::returns::{ImportanceCorrected, OffPolicy, TdError, TdLambda, Vtrace};
use bellwether_core::sig::Reduction;

use super::reader::Reader;
use super::scan::Arrays;
use super::{Judgement, all};
use crate::file::FileError;
use crate::problem::{Carried, Derived, Layout, MapProblem, OneValue, Shorter, Spread};

type Found = Result<Vec<Judgement>, FileError>;
type Numbers = Result<Vec<f64>, FileError>;

/// The problems of a case of these operators; `None` when the operator is another.
pub(super) fn read(reader: Reader<'_>) -> Option<Found> {
    match reader.case.op.as_str() {
        "td_error"
        | "qv_learning_error"
        | "sarsa_error"
        | "expected_sarsa_error"
        | "q_learning_error"
        | "double_q_learning_error"
        | "persistent_q_learning_error"
        | "qv_max_error" => Some(one_step(reader)),
        "td_lambda_error" | "q_lambda_errors" | "sarsa_lambda_errors" => Some(td_lambda(reader)),
        "vtrace_errors" | "vtrace_errors_masked" => Some(vtrace(reader)),
        "vtrace_td_error_and_advantage" | "leaky_vtrace_td_error_and_advantage" => Some(vtrace(reader)),
        "importance_corrected_td_errors" => Some(importance_corrected(reader)),
        "general_off_policy_returns_from_action_values" => Some(from_action_values(reader)),
        "general_off_policy_returns_from_q_and_v" => Some(from_q_and_v(reader)),
        "retrace_continuous_errors" => Some(retrace_continuous(reader)),
        "retrace_errors" => Some(retrace(reader)),
        _ => None,
    }
}

/// Values of every action, `[rows, len, width]`.
struct Actions {
    width: usize,
    values: Vec<f64>,
}

impl Actions {
    fn of(arrays: &Arrays<'_>, name: &str) -> Result<Self, FileError> {
        let found = arrays.reader.floats(name)?;
        arrays.reader.has_rank(name, found, 3)?;
        let width = found.shape[2];
        arrays.reader.at_least_one(name, "action", width)?;
        Ok(Self { width, values: arrays.of(name, &[arrays.rows, arrays.len, width])? })
    }

    fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks(self.width)
    }

    fn max(&self) -> Vec<f64> {
        self.rows().map(|row| row.iter().copied().fold(f64::NEG_INFINITY, f64::max)).collect()
    }

    /// The weights that pick one action each: 1 for it, 0 for the others.
    fn picks(&self, arrays: &Arrays<'_>, name: &str) -> Numbers {
        let shape = [arrays.rows, arrays.len];
        let chosen = arrays.reader.integers_of(name, &shape, "r_t")?;
        arrays.reader.labels_in_range(name, &chosen, i32::MIN, self.width)?;
        let one = |a: i32| (0..self.width).map(move |k| f64::from(u8::from(k as i32 == a)));
        Ok(chosen.into_iter().flat_map(one).collect())
    }

    /// The weights that pick each row's first largest value.
    fn best(&self) -> Vec<f64> {
        let best = |row: &[f64]| (0..row.len()).fold(0, |best, k| if row[k] > row[best] { k } else { best });
        self.rows().flat_map(|row| (0..row.len()).map(move |k| f64::from(u8::from(k == best(row))))).collect()
    }

    /// Sums of each row's values with these weights.
    fn weighted(&self, weights: &[f64]) -> Vec<f64> {
        let rows = self.rows().zip(weights.chunks(self.width));
        rows.map(|(row, weights)| row.iter().zip(weights).map(|(q, w)| q * w).sum()).collect()
    }
}

/// The prediction: a value, or the value of the action taken, with the weights that pick it.
struct Prediction {
    values: Vec<f64>,
    width: usize,
    weights: Vec<f64>,
    name: &'static str,
}

impl Prediction {
    fn of(arrays: &Arrays<'_>) -> Result<Self, FileError> {
        let scalar = |name| -> Result<Self, FileError> {
            let values = arrays.steps(name)?;
            Ok(Self { weights: vec![1.0; values.len()], values, width: 1, name })
        };
        let inputs = &arrays.reader.case.inputs;
        if inputs.get("v_tm1").is_some() {
            return scalar("v_tm1");
        }
        if inputs.get("a_tm1").is_none() {
            return scalar("q_tm1");
        }
        let actions = Actions::of(arrays, "q_tm1")?;
        let weights = actions.picks(arrays, "a_tm1")?;
        Ok(Self { values: actions.weighted(&weights), width: actions.width, weights, name: "q_tm1" })
    }

    /// The gradient by the file's array from that of the predictions.
    fn spread(&self, plane: &'static str) -> Spread {
        Spread { called: "d_prediction", width: self.width, parts: vec![(plane, self.weights.clone())] }
    }
}

/// Values of the next state, as each method has them.
fn next_values(arrays: &Arrays<'_>) -> Numbers {
    let reader = arrays.reader;
    let q = |name| Actions::of(arrays, name);
    match reader.case.op.as_str() {
        "td_error" | "qv_learning_error" | "td_lambda_error" => arrays.steps("v_t"),
        "sarsa_error" | "sarsa_lambda_errors" => {
            let q = q("q_t")?;
            Ok(q.weighted(&q.picks(arrays, "a_t")?))
        }
        "expected_sarsa_error" => Ok(q("q_t")?.weighted(&q("probs_a_t")?.values)),
        "double_q_learning_error" => Ok(q("q_t_value")?.weighted(&q("q_t_selector")?.best())),
        "persistent_q_learning_error" => {
            let (scale, q) = (reader.number("action_gap_scale", 0.0)?, q("q_t")?);
            let kept = q.weighted(&q.picks(arrays, "a_tm1")?);
            Ok(q.max().iter().zip(&kept).map(|(max, kept)| (1.0 - scale) * max + scale * kept).collect())
        }
        _ => Ok(q("q_t")?.max()),
    }
}

fn one_step(reader: Reader<'_>) -> Found {
    reader.allow(&["stop_target_gradients", "action_gap_scale"])?;
    reader.allow_cotangents(&["td_error"])?;
    let arrays = Arrays::like(reader, "r_t")?;
    let prediction = Prediction::of(&arrays)?;
    let problem = MapProblem {
        op: TdError { stop_target_gradients: reader.flag("stop_target_gradients", true)? },
        rows: arrays.rows,
        len: arrays.len,
        inputs: vec![prediction.values.clone(), arrays.steps("r_t")?, next_values(&arrays)?],
        constants: vec![arrays.steps("discount_t")?],
        mask: None,
        upstream: reader.case.cotangents.get("td_error").map(|t| t.data.clone()),
        reduction: Reduction::Sum,
        layout: Layout::Packed,
    };
    let problem = Derived { problem, derive: prediction.spread("d_v_tm1") };
    let mut grads = vec![all(prediction.name, "d_prediction")];
    if reader.case.op == "td_error" {
        grads.extend([all("r_t", "d_r_t"), all("v_t", "d_v_t")]);
    }
    Ok(vec![Judgement::new(problem, &[all("td_error", "td_error")], &grads)])
}

fn td_lambda(reader: Reader<'_>) -> Found {
    reader.allow(&["lambda", "stop_target_gradients"])?;
    let arrays = Arrays::like(reader, "r_t")?;
    let prediction = Prediction::of(&arrays)?;
    let op = TdLambda { stop_target_gradients: reader.flag("stop_target_gradients", true)? };
    let inputs = vec![prediction.values.clone(), arrays.steps("r_t")?, next_values(&arrays)?];
    let constants = vec![arrays.steps("discount_t")?, arrays.lambda()?];
    let problem = arrays.problem(op, inputs, constants, "td_error")?;
    let problem = Derived { problem, derive: prediction.spread("d_v_tm1") };
    let grads = [all(prediction.name, "d_prediction")];
    Ok(vec![Judgement::new(problem, &[all("td_error", "td_errors")], &grads)])
}

fn vtrace(reader: Reader<'_>) -> Found {
    let names = ["lambda", "clip_rho_threshold", "clip_pg_rho_threshold", "alpha", "stop_target_gradients"];
    reader.allow(&names)?;
    let arrays = Arrays::like(reader, "r_t")?;
    let op = Vtrace {
        clip_rho: reader.number("clip_rho_threshold", 1.0)?,
        clip_pg_rho: reader.number("clip_pg_rho_threshold", 1.0)?,
        alpha: reader.number("alpha", 1.0)?,
        stop_target_gradients: reader.flag("stop_target_gradients", true)?,
    };
    let steps = |name| arrays.steps(name);
    let inputs = vec![steps("v_tm1")?, steps("v_t")?, steps("r_t")?];
    let constants = vec![steps("discount_t")?, steps("rho_tm1")?, arrays.lambda()?];
    let mut problem = arrays.problem(op, inputs, constants, "errors")?;
    let given = reader.case.inputs.get("sample_mask").is_some();
    let mask = if given {
        reader.integers_of("sample_mask", &[arrays.rows, arrays.len], "r_t")?
    } else {
        vec![1; arrays.rows * arrays.len]
    };
    let mask: Vec<u32> = mask.into_iter().map(i32::cast_unsigned).collect();
    problem.mask = given.then(|| mask.clone());
    let derive = Carried { len: arrays.len, planes: ("errors", "carried"), mask };
    let outputs =
        [all("errors", "carried"), all("q_estimate", "q_estimate"), all("pg_advantage", "pg_advantage")];
    let grads = [all("v_tm1", "d_v_tm1"), all("v_t", "d_v_t"), all("r_t", "d_r_t")];
    Ok(vec![Judgement::new(Derived { problem, derive }, &outputs, &grads)])
}

fn importance_corrected(reader: Reader<'_>) -> Found {
    reader.allow(&["lambda"])?;
    let arrays = Arrays::like(reader, "r_t")?;
    let [v_tm1, v_t] = arrays.before_and_behind("values")?;
    let inputs = vec![arrays.steps("r_t")?, v_tm1, v_t, arrays.steps("rho_tm1")?];
    let constants = vec![arrays.steps("discount_t")?, arrays.lambda()?];
    let problem = arrays.problem(ImportanceCorrected {}, inputs, constants, "errors")?;
    let problem = Derived { problem, derive: OneValue { len: arrays.len, bootstrap: true } };
    let grads = [all("r_t", "d_r_t"), all("rho_tm1", "d_rho_tm1"), all("values", "d_values")];
    Ok(vec![Judgement::new(problem, &[all("errors", "errors")], &grads)])
}

/// Arrays `[rows, len − 1]` with a number behind each row that does not matter.
fn longer(arrays: &Arrays<'_>, name: &str) -> Numbers {
    let short = arrays.len.saturating_sub(1);
    let given = arrays.of(name, &[arrays.rows, short])?;
    Ok((0..arrays.rows).flat_map(|r| [&given[r * short..][..short], &[0.0]].concat()).collect())
}

fn from_action_values(reader: Reader<'_>) -> Found {
    reader.allow(&["trace", "lambda"])?;
    let arrays = Arrays::like(reader, "r_t")?;
    let (q, pi) = (Actions::of(&arrays, "q_t")?, Actions::of(&arrays, "pi_t")?.values);
    let taken = q.picks(&arrays, "a_t")?;
    let inputs = vec![
        arrays.fill(0.0),
        arrays.steps("r_t")?,
        q.weighted(&taken),
        q.weighted(&pi),
        arrays.steps("c_t")?,
    ];
    let op = OffPolicy { stop_target_gradients: false };
    let problem = arrays.problem(op, inputs, vec![arrays.steps("discount_t")?], "returns")?;
    let parts = vec![("d_v_t", pi), ("d_q_t", taken)];
    let problem = Derived { problem, derive: Spread { called: "d_actions", width: q.width, parts } };
    let grads = [all("q_t", "d_actions"), all("r_t", "d_r_t")];
    Ok(vec![Judgement::new(problem, &[all("returns", "returns")], &grads)])
}

const SHORTER: &[(&str, &str)] = &[("d_q_t", "d_short_q_t"), ("d_c_t", "d_short_c_t")];

fn from_q_and_v(reader: Reader<'_>) -> Found {
    reader.allow(&[])?;
    let arrays = Arrays::like(reader, "r_t")?;
    let (q, c) = (longer(&arrays, "q_t")?, longer(&arrays, "c_t")?);
    let inputs = vec![arrays.fill(0.0), arrays.steps("r_t")?, q, arrays.steps("v_t")?, c];
    let op = OffPolicy { stop_target_gradients: false };
    let problem = arrays.problem(op, inputs, vec![arrays.steps("discount_t")?], "returns")?;
    let problem = Derived { problem, derive: Shorter { len: arrays.len, planes: SHORTER } };
    let grads =
        [all("q_t", "d_short_q_t"), all("c_t", "d_short_c_t"), all("r_t", "d_r_t"), all("v_t", "d_v_t")];
    Ok(vec![Judgement::new(problem, &[all("returns", "returns")], &grads)])
}

fn retrace_continuous(reader: Reader<'_>) -> Found {
    reader.allow(&["lambda"])?;
    let arrays = Arrays::like(reader, "r_t")?;
    let lambda = reader.number("lambda", 1.0)?;
    let traces = longer(&arrays, "log_rhos")?.iter().map(|x| lambda * x.exp().min(1.0)).collect();
    let (q_tm1, q_t) = (arrays.steps("q_tm1")?, longer(&arrays, "q_t")?);
    let inputs = vec![q_tm1, arrays.steps("r_t")?, q_t, arrays.steps("v_t")?, traces];
    let constants = vec![arrays.steps("discount_t")?];
    let problem = arrays.problem(OffPolicy::default(), inputs, constants, "td_error")?;
    let grads = [all("q_tm1", "d_q_tm1")];
    Ok(vec![Judgement::new(problem, &[all("td_error", "td_errors")], &grads)])
}

fn retrace(reader: Reader<'_>) -> Found {
    reader.allow(&["lambda", "eps", "stop_target_gradients"])?;
    let arrays = Arrays::like(reader, "r_t")?;
    let (lambda, eps) = (reader.number("lambda", 1.0)?, reader.number("eps", 1e-8)?);
    let prediction = Prediction::of(&arrays)?;
    let (q, pi) = (Actions::of(&arrays, "q_t")?, Actions::of(&arrays, "pi_t")?);
    let taken = q.picks(&arrays, "a_t")?;
    let ratios = pi.weighted(&taken).into_iter().zip(arrays.steps("mu_t")?).map(|(pi, mu)| pi / (mu + eps));
    let traces = ratios.map(|ratio| lambda * ratio.min(1.0)).collect();
    let (next, expected) = (q.weighted(&taken), q.weighted(&pi.values));
    let inputs = vec![prediction.values.clone(), arrays.steps("r_t")?, next, expected, traces];
    let op = OffPolicy { stop_target_gradients: reader.flag("stop_target_gradients", true)? };
    let problem = arrays.problem(op, inputs, vec![arrays.steps("discount_t")?], "td_error")?;
    let problem = Derived { problem, derive: prediction.spread("d_q_tm1") };
    let grads = [all("q_tm1", "d_prediction")];
    Ok(vec![Judgement::new(problem, &[all("td_error", "td_errors")], &grads)])
}
