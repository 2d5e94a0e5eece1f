//! Log-probabilities straight from hidden states and LM-head weight.

use bellwether_core::Op;
use bellwether_core::logprob::Linear;
use bellwether_core::sig::token_rows::Labels;

use super::reader::Reader;
use super::token::{NONE_IGNORED, rules, token, upstream};
use super::{Entry, Judgement, all};
use crate::file::FileError;
use crate::problem::LinearProblem;

type Found = Result<Vec<Judgement>, FileError>;

/// The problems of a case of this family; `None` when the operator is another.
pub(super) fn read(reader: Reader<'_>) -> Option<Found> {
    match reader.case.op.as_str() {
        "fused_linear.logprob" => Some(fused(reader)),
        "logprob/linear" => Some(contract(reader)),
        _ => None,
    }
}

/// TRL's chunked log-probabilities: every row counts.
fn fused(reader: Reader<'_>) -> Found {
    reader.allow(&["temperature", "final_logit_softcapping", "logit_scale", "peer_vocab_chunk"])?;
    let outputs = [
        all("logps", "logp"),
        all("entropy", "entropy"),
        all("log_sum_sq_probs", "log_sum_sq"),
        all("mean_logits", "mean_logit"),
        all("is_top1", "top1"),
    ];
    let names = ["logps", "lse", "entropy", "log_sum_sq_probs", "mean_logits"];
    let rules = Labels { ignore_index: NONE_IGNORED, ..Labels::default() };
    judgement(reader, ("targets", names, "final_logit_softcapping"), rules, &outputs)
}

/// Our own names: `in.hidden`, `in.weight`, `in.bias`, `in.labels`; the planes out.
fn contract(reader: Reader<'_>) -> Found {
    reader.allow(&["temperature", "softcap", "logit_scale", "ignore_index", "shift"])?;
    let outputs = ["logp", "lse", "entropy", "log_sum_sq", "mean_logit", "top1"].map(|name| all(name, name));
    let names = ["logp", "lse", "entropy", "log_sum_sq", "mean_logit"];
    let hidden = reader.floats("hidden")?;
    let rows = hidden.shape.split_last().map_or(&[][..], |(_, rows)| rows);
    let rules = rules(reader, rows.last().copied().unwrap_or(1))?;
    judgement(reader, ("labels", names, "softcap"), rules, &outputs)
}

fn judgement(
    reader: Reader<'_>,
    (labels, cotangents, softcap): (&str, [&str; 5], &str),
    rules: Labels,
    outputs: &[Entry],
) -> Found {
    let (hidden, weight) = (reader.floats("hidden")?, reader.floats("weight")?);
    let Some((&h, rows)) = hidden.shape.split_last() else {
        return Err(reader.refused("in.hidden needs a last dimension"));
    };
    reader.at_least_one("hidden", "column", h)?;
    let v = weight.shape.first().copied().unwrap_or(0);
    reader.has_shape("weight", weight, &[v, h], "hidden")?;
    let bias = match reader.case.inputs.get("bias") {
        None => None,
        Some(_) => Some(reader.floats_of("bias", &[v], "weight")?.data.clone()),
    };
    let problem = LinearProblem {
        op: Linear { token: token(reader, softcap)? },
        rules,
        h,
        v,
        hidden: hidden.data.clone(),
        weight: weight.data.clone(),
        bias,
        labels: reader.integers_of(labels, rows, "hidden")?,
        upstream: upstream(reader, cotangents)?,
        ..LinearProblem::default()
    };
    problem.op.check().map_err(|e| reader.refused(e))?;
    let active = |row: usize| problem.rules.of(&problem.labels, row).is_some();
    reader.active_finite("hidden", hidden, active, false)?;
    reader.active_finite("weight", weight, |_| true, false)?;
    let scored: Vec<i32> =
        (0..problem.labels.len()).filter_map(|row| rules.of(&problem.labels, row)).collect();
    reader.labels_in_range(labels, &scored, rules.ignore_index, v)?;
    let grads = [all("hidden", "d_hidden"), all("weight", "d_weight"), all("bias", "d_bias")];
    Ok(vec![Judgement::new(problem, outputs, &grads)])
}
